#include "ui/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LEAST = 20, MOST = 1000, DEFAULT = 80 };

static int within(long width)
{
    return width < LEAST ? LEAST : width > MOST ? MOST : (int)width;
}

int terminal_width(bool to_terminal)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    char *end;
    long width = columns ? strtol(columns, &end, 10) : 0;
    if (columns && width > 0 && *end == '\0')
        return within(width);
    if (to_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return within(size.ws_col);
    return DEFAULT;
}

bool terminal_has_colour(void)
{
    const char *term = getenv("TERM"), *off = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(off && *off) && term && strcmp(term, "dumb") != 0;
}
