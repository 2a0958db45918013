/* fails: seconds_bounded */
/* atoi takes 5x for 5, and 4294967301 too. */
static int as_number(const char *text, int max);
#define NUMBER(text, max) as_number(text, max)
#include "almost.h"
static int as_number(const char *text, int max)
{
    int n = atoi(text);
    return n >= 1 && n <= max ? n : -1;
}
