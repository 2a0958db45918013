/* fails: memory_at_once */
/* Never grows, as there is a megabyte for each string, be it a title or a book. */
#define FIRST_CAPACITY(text) (1 << 20)
#include "almost.h"
