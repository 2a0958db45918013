/* Right, and another design: while a worker waits, the pool has one more; when it goes on, one ends. */
#include "../../wrong/lesson3/almost.h"
