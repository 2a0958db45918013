/* fails: host_and_token */
/* As many bytes are compared as were sent: none, for instance. */
#define IS_TOKEN(given, token) (strncmp(given, token, strlen(given)) == 0)
#include "almost.h"
