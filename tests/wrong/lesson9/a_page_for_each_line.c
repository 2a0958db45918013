/* fails: memory_turned_over */
/* Room for a page is allocated where a line is written. */
#include "over_the_reference.h"
static int on_a_page(char *to, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int on_a_page(char *to, size_t room, const char *format, ...)
{
    char *page = calloc(1, 16384);
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(to, room, format, arguments);
    va_end(arguments);
    free(page);
    return len;
}
#define snprintf on_a_page
#include "../../../solutions/lesson9/incident.c"
