/* Right, and strict: whatever is escaped or there twice is refused, since nobody who means well sends it. */
static int strict_number(const char *text, int max);
#define NUMBER(text, max) strict_number(text, max)
#define SECONDS_RIGHT(name, seconds) ((seconds) >= 0 && !strpbrk(query, "%+"))
#include "../../wrong/lesson8/almost.h"
static int strict_number(const char *text, int max)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && strlen(text) < 6 && n > 0 && n <= (unsigned long)max
               ? (int)n
               : -1;
}
