#include "fuzz.h"

#include "gateway_profile.h"
#include "ui/produce.h"
#include "ui/session.h"
#include "ui/shell.h"
#include "view/report.h"

#include <string.h>

/*
 * Lines of the shell, over a small profile. What a line would make a report into (a file, a pipe, a viewer)
 * or of (sources, binaries) is left out: produce() is replaced, by the linker, with one that has the report
 * made and drops it.
 */
int __wrap_produce(const struct profile *p, const struct production *what, struct error *error);

static bool is_pure(enum report_format format)
{
    return format != REPORT_LIST && format != REPORT_WEBLIST && format != REPORT_DISASM;
}

int __wrap_produce(const struct profile *p, const struct production *what, struct error *error)
{
    struct report_request q = {
        .format = what->command->format, .pattern = what->pattern, .config = *what->config};
    struct buf out = {0}, notes = {0};
    fuzz_require(!q.pattern == !what->command->has_pattern, "a command", "without its pattern");
    int code = is_pure(q.format) ? report_generate(p, &q, &out, &notes, error) : 0;
    buf_fini(&out);
    buf_fini(&notes);
    return code;
}

enum { MAX_LINES = 50, MAX_NAMES = 60 };

static void complete(const struct profile *p, const char *line)
{
    char *names[MAX_NAMES];
    size_t n = session_complete(p, line, names, MAX_NAMES);
    fuzz_require(n <= MAX_NAMES, "completion", "offers more than there is room for");
    for (size_t i = 0; i < n; i++)
        free(names[i]);
}

void fuzz_shell(const uint8_t *bytes, size_t len)
{
    struct profile *p = gateway_profile();
    struct settings settings;
    struct shell *shell = NULL;
    char *text = strndup((const char *)bytes, len), *at = text, *line;
    bool ok = p && text && settings_init(&settings) == 0 && shell_new(p, &settings, NULL, &shell) == 0;
    fuzz_require(ok, "the shell", "cannot be made");
    for (int i = 0; i < MAX_LINES && (line = strsep(&at, "\n")); i++) {
        complete(p, line);
        if (shell_execute(shell, line) == ERR_CANCELLED)
            break;
    }
    shell_free(shell);
    settings_fini(&settings);
    free(text);
    profile_free(p);
}
