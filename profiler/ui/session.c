#include "ui/session.h"

#include "ui/interrupt.h"
#include "ui/shell.h"

#include <ctype.h>
#include <histedit.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- completion ---- */

static void offer(const char *name, const char *prefix, bool anywhere, char **out, size_t max, size_t *n)
{
    bool fits = anywhere ? strstr(name, prefix) != NULL : strncmp(name, prefix, strlen(prefix)) == 0;
    if (!fits || *n >= max || !*name)
        return;
    for (size_t i = 0; i < *n; i++)
        if (strcmp(out[i], name) == 0)
            return;
    out[*n] = strdup(name);
    *n += out[*n] != NULL;
}

static void offer_names(const char *prefix, char **out, size_t max, size_t *n)
{
    static const char *const others[] = {"help", "options", "quit", "exit"};
    for (unsigned i = 0; i < n_commands; i++)
        offer(commands[i].name, prefix, false, out, max, n);
    for (unsigned i = 0; i < n_variables; i++) {
        offer(variables[i].name, prefix, false, out, max, n);
        for (int k = 0; variables[i].choices && variables[i].choices[k].name; k++)
            offer(variables[i].choices[k].name, prefix, false, out, max, n);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        offer(others[i], prefix, false, out, max, n);
}

/* Of "name=" and what follows: the values there are. */
static void offer_values(
    const struct profile *p, const char *word, const char *equals, char **out, size_t max, size_t *n)
{
    char name[40];
    int choice;
    snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
    const struct variable *v = variable_find(name, &choice);
    const char *value = equals + 1;
    if (!v)
        return;
    if (v->kind == VARIABLE_BOOL || choice >= 0) {
        offer("true", value, false, out, max, n);
        offer("false", value, false, out, max, n);
    }
    for (int k = 0; choice < 0 && v->choices && v->choices[k].name; k++)
        offer(v->choices[k].name, value, false, out, max, n);
    for (size_t i = 0; strcmp(name, "sample_index") == 0 && i < p->sample_types.len; i++)
        offer(p->sample_types.items[i].type, value, false, out, max, n);
}

size_t session_complete(const struct profile *p, const char *line, char **out, size_t max)
{
    size_t n = 0, start = strlen(line);
    while (start > 0 && !isspace((unsigned char)line[start - 1]))
        start--;
    const char *word = line + start, *first = line + strspn(line, " \t");
    size_t first_len = strcspn(first, " \t");
    const char *equals = strchr(word, '=');
    if (equals) {
        const char *option = word + (first != word && *word == '-');
        offer_values(p, option, equals, out, max, &n);
        return n;
    }
    if (first == word || (first_len == 4 && strncmp(first, "help", 4) == 0)) {
        offer_names(word, out, max, &n);
        return n;
    }
    word += *word == '-';
    for (size_t i = 0; i < p->functions.len; i++)
        offer(p->functions.items[i].name, word, true, out, max, &n);
    return n;
}

/* How much all of the names begin with in common. */
static size_t common_length(char *const *names, size_t n)
{
    size_t len = strlen(names[0]);
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < len; k++)
            if (names[i][k] != names[0][k])
                len = k;
    return len;
}

enum { MAX_OFFERED = 60 };

static void list_names(char *const *names, size_t n)
{
    fputc('\n', stdout);
    for (size_t i = 0; i < n; i++)
        printf("%s%s", names[i], i + 1 < n ? "  " : "\n");
    fflush(stdout);
}

static unsigned char complete_line(EditLine *el, int key)
{
    (void)key;
    const struct profile *p;
    char *names[MAX_OFFERED];
    const LineInfo *info = el_line(el);
    char *line = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
    if (!line || el_get(el, EL_CLIENTDATA, &p) != 0) {
        free(line);
        return CC_ERROR;
    }
    size_t n = session_complete(p, line, names, MAX_OFFERED), start = strlen(line);
    while (start > 0 && !isspace((unsigned char)line[start - 1]) && line[start - 1] != '=' &&
           !(line[start - 1] == '-' && start > 1))
        start--;
    size_t typed = strlen(line + start), common = n ? common_length(names, n) : 0;
    unsigned char result = CC_ERROR;
    if (n && (common > typed || n == 1)) {
        char *insert = strndup(names[0], n == 1 ? strlen(names[0]) : common);
        el_deletestr(el, (int)typed);
        if (insert && el_insertstr(el, insert) == 0)
            result = CC_REFRESH;
        free(insert);
    } else if (n > 1) {
        list_names(names, n);
        result = CC_REDISPLAY;
    }
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(line);
    return result;
}

/* ---- reading ---- */

static const char prompt[] = "(pprof) ";

static char *prompt_of(EditLine *el)
{
    (void)el;
    return (char *)prompt;
}

static bool history_file(char *name, size_t size)
{
    const char *home = getenv("HOME");
    return home && *home && snprintf(name, size, "%s/.pprof_history", home) < (int)size;
}

static EditLine *open_editor(const struct profile *p, History **past)
{
    HistEvent event;
    char file[PATH_MAX];
    EditLine *el = el_init("pprof", stdin, stdout, stderr);
    *past = history_init();
    if (!el || !*past)
        return el;
    history(*past, &event, H_SETSIZE, 1000);
    history(*past, &event, H_SETUNIQUE, 1);
    if (history_file(file, sizeof file))
        history(*past, &event, H_LOAD, file);
    el_set(el, EL_CLIENTDATA, p);
    el_set(el, EL_PROMPT, prompt_of);
    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_HIST, history, *past);
    el_set(el, EL_ADDFN, "pprof-complete", "complete a name", complete_line);
    el_set(el, EL_BIND, "^I", "pprof-complete", NULL);
    el_set(el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(el, NULL);
    return el;
}

static void close_editor(EditLine *el, History *past)
{
    HistEvent event;
    char file[PATH_MAX];
    if (past && history_file(file, sizeof file))
        history(past, &event, H_SAVE, file);
    if (past)
        history_end(past);
    if (el)
        el_end(el);
}

static int edit_lines(struct shell *s, const struct profile *p)
{
    History *past;
    HistEvent event;
    EditLine *el = open_editor(p, &past);
    if (!el)
        return ERR_NOMEM;
    for (int code = 0; code != ERR_CANCELLED;) {
        int count;
        interrupt_clear();
        const char *line = el_gets(el, &count);
        if (!line && interrupted) { /* Ctrl-C on a half-typed line: a new one */
            fputc('\n', stdout);
            el_reset(el);
            continue;
        }
        if (!line || count <= 0) {
            fputc('\n', stdout);
            break;
        }
        if (line[strspn(line, " \t\n")])
            history(past, &event, H_ENTER, line);
        code = shell_execute(s, line);
    }
    close_editor(el, past);
    return 0;
}

static int read_lines(struct shell *s)
{
    char *line = NULL;
    size_t room = 0;
    for (;;) {
        fputs(prompt, stdout);
        fflush(stdout);
        if (getline(&line, &room, stdin) < 0 || shell_execute(s, line) == ERR_CANCELLED)
            break;
    }
    free(line);
    return 0;
}

static void greet(const struct profile *p, const struct config *c)
{
    struct buf out = {0};
    struct error error;
    int64_t total;
    if (report_heading(p, c, &out, &total, &error) == 0 && total == 0 && p->sample_types.len > 1)
        buf_puts(&out, "No samples were found with the default sample value type.\n"
                       "Try \"sample_index\" command to analyze different sample values.\n");
    buf_puts(&out, "Entering interactive mode (type \"help\" for commands, \"o\" for options)\n");
    shell_show(&out);
}

int session_run(const struct profile *p, struct settings *settings, const char *tools, struct error *error)
{
    struct shell *s;
    greet(p, &settings->config);
    settings->config.compact_labels = true;
    signal(SIGPIPE, SIG_IGN); /* of "| head" */
    int code = shell_new(p, settings, tools, &s);
    if (!code) {
        code = isatty(STDIN_FILENO) ? edit_lines(s, p) : read_lines(s);
        shell_free(s);
    }
    return code ? error_set(error, code, "%s", error_text(code)) : 0;
}
