#include "view/assembly.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A listing of objdump, GNU's or LLVM's:
 *
 *     0000000000001220 <work>:
 *     work():                      what follows is of this function
 *     /srv/a.c:5                   and of this line ("; /srv/a.c:5" by LLVM)
 *         1220:	xor    %ecx,%ecx
 *
 * Any other line ends what those two say.
 */
struct place {
    const char *function, *file;
    int64_t line;
};

static char *trim(char *line)
{
    while (isspace((unsigned char)*line))
        line++;
    size_t len = strlen(line);
    while (len && isspace((unsigned char)line[len - 1]))
        line[--len] = '\0';
    return line;
}

/* "1220:  text" */
static bool parse_instruction(char *line, struct instruction *i)
{
    size_t digits = strspn(line, "0123456789abcdef");
    if (!digits || digits > 16 || line[digits] != ':' || !isspace((unsigned char)line[digits + 1]))
        return false;
    i->address = strtoull(line, NULL, 16);
    i->text = line + digits + 1 + strspn(line + digits + 1, " \t");
    return true;
}

/* "FILE:5", perhaps with a remark behind it; the last colon that a digit follows counts. */
static bool parse_line(char *line, struct place *p)
{
    char *colon = NULL;
    for (char *at = line; (at = strchr(at, ':')); at++)
        if (isdigit((unsigned char)at[1]))
            colon = at;
    if (!colon)
        return false;
    errno = 0;
    long long number = strtoll(colon + 1, NULL, 10);
    *colon = '\0';
    if (errno || number > INT32_MAX)
        return true;
    p->file = line;
    p->line = number;
    return true;
}

/* "NAME():", or "<NAME>:" behind an address. */
static bool parse_function(char *line, struct place *p)
{
    size_t len = strlen(line);
    if (len > 3 && strcmp(line + len - 3, "():") == 0) {
        line[len - 3] = '\0';
        p->function = line;
        return true;
    }
    size_t digits = strspn(line, "0123456789abcdef");
    char *name = line + digits + (line[digits] == ' ');
    if (digits < 8 || len < 2 || line[len - 1] != ':' || *name != '<' || line[len - 2] != '>')
        return false;
    line[len - 2] = '\0';
    p->function = name + 1;
    return true;
}

static int parse(struct assembly *a, uint64_t start, uint64_t stop)
{
    static const struct place nowhere = {"", "", 0};
    struct place place = nowhere;
    for (char *at = a->text; *at;) {
        char *end = strchrnul(at, '\n'), *next = *end ? end + 1 : end;
        *end = '\0';
        char *line = trim(at);
        at = next;
        struct instruction i = {.function = place.function, .file = place.file, .line = place.line};
        if (parse_instruction(line, &i)) {
            bool again =
                a->instructions.len && i.address <= a->instructions.items[a->instructions.len - 1].address;
            if (i.address >= start && i.address < stop && !again && !vec_push(&a->instructions, i))
                return ERR_NOMEM;
            continue;
        }
        line += *line == ';' ? 1 + (line[1] == ' ') : 0;
        if (!parse_function(line, &place) && !parse_line(line, &place))
            place = nowhere;
    }
    return 0;
}

int assembly_read(struct assembly *a, const struct disassembler *d, const char *file, uint64_t start,
    uint64_t stop, bool intel, struct error *error)
{
    struct buf text = {0};
    *a = (struct assembly){0};
    if (!d)
        return error_set(error, ERR_UNSUPPORTED, "there is no disassembler here");
    int code = d->run(d->context, file, start, stop, intel, &text, error);
    if (!code && text.failed)
        code = ERR_NOMEM;
    if (!code && text.len) {
        a->text = buf_take(&text);
        code = a->text ? parse(a, start, stop) : ERR_NOMEM;
    }
    buf_fini(&text);
    return code == ERR_NOMEM ? error_set(error, code, "out of memory") : code;
}

void assembly_fini(struct assembly *a)
{
    vec_fini(&a->instructions);
    free(a->text);
    *a = (struct assembly){0};
}
