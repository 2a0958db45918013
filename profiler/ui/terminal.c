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

/* The bytes of a colour that begins here, 0 when none does. */
static size_t colour_at(const char *text, size_t len)
{
    size_t n = 2;
    if (len < 3 || text[0] != '\033' || text[1] != '[')
        return 0;
    while (n < len && (text[n] == ';' || (text[n] >= '0' && text[n] <= '9')))
        n++;
    return n < len && text[n] == 'm' ? n + 1 : 0;
}

void terminal_tame(char *text, size_t len)
{
    for (size_t i = 0, colour; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((colour = colour_at(text + i, len - i)))
            i += colour - 1;
        else if ((c < ' ' && c != '\n' && c != '\t') || c == 127)
            text[i] = '?';
        else if (c == 0xc2 && i + 1 < len &&
                 ((unsigned char)text[i + 1] & 0xe0) == 0x80) /* U+0080 to U+009F */
            text[i] = text[i + 1] = '?';
    }
}
