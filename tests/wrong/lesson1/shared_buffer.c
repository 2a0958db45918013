/* fails: from_many_threads */
/* One buffer for all calls, large enough for any article, copied from at the end; and so for all threads. */
static char shared[1 << 20];
#define OUTPUT(text)                         \
    {                                        \
        .text = shared, .cap = sizeof shared \
    }
#define RESULT(out) strndup((out)->text, (out)->len)
#include "almost.h"
