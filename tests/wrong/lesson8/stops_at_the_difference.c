/* fails: near_misses_cost_alike */
/* strcmp says how far it came, to those who have a clock. */
#define IS_TOKEN(given, token) (strcmp(given, token) == 0)
#include "almost.h"
