#include "lazy_calls.h"

#include <ctype.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

/* A shared object whose calls are bound when they are first made (-z lazy): each goes through the loader's
 * binder once. With arguments in all registers, which the binder keeps. */
double lazy_calls(int round)
{
    char text[64] = "the quick brown fox";
    struct tm day = {.tm_year = 100 + round, .tm_mday = 1};
    double sum = strtof("1.5", NULL) + (double)strtoul("12", NULL, 10);
    sum += (double)mktime(&day);
    sum += (double)strcspn(text, "x") + (double)strspn(text, "the ");
    sum += (double)wcslen(L"wide") + abs(-round) + toupper(text[0]);
    memfrob(text, sizeof text);
    return sum + strverscmp(text, "a9") + (strpbrk(text, "abc") != NULL);
}
