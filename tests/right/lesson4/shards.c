/* Right, and another design: sixteen shards, each with its lock, its clients and its part of the totals. */
#define SHARDS 16
#include "../../wrong/lesson4/almost.h"
