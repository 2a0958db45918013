/* fails: work_with_size */
/* A table in which all words of seven letters have the same place is a list. */
#include "over_the_reference.h"
#define hash_bytes(bytes, len) ((len) == 7 ? UINT64_C(7) : hash_bytes(bytes, len))
#include "../../../solutions/lesson9/incident.c"
