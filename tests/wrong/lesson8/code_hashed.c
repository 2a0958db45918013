/* fails: labels_are_few */
/* Nobody learns the code, and there are as many labels as tickets. */
static const char *hashed(const char *code);
#define LABEL(code) hashed(code)
#include "almost.h"
static const char *hashed(const char *code)
{
    static __thread char text[24];
    unsigned hash = 5381;
    while (*code)
        hash = hash * 33 + (unsigned char)*code++;
    snprintf(text, sizeof text, "t%08x", hash);
    return text;
}
