/* fails: labels_are_few */
static const char *named(const char *code);
#define LABEL(code) named(code)
#include "almost.h"
static const char *named(const char *code)
{
    static __thread char text[80];
    snprintf(text, sizeof text, "ticket-%s", code);
    return text;
}
