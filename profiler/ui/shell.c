#include "ui/shell.h"

#include "base/nearest.h"
#include "ui/interrupt.h"
#include "ui/output.h"
#include "ui/produce.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shell {
    const struct profile *p;
    struct settings *settings;
    const char *tools;
};

int shell_new(const struct profile *p, struct settings *settings, const char *tools, struct shell **out)
{
    struct shell *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->p = p;
    s->settings = settings;
    s->tools = tools;
    *out = s;
    return 0;
}

void shell_free(struct shell *s)
{
    free(s);
}

static int say(const char *text)
{
    fprintf(stderr, "%s\n", text);
    return 0;
}

static int report_error(const struct error *error)
{
    return say(error->text);
}

/* ---- words ---- */

struct words {
    char *copy;
    VEC(char *) items;
};

static bool split_words(struct words *w, const char *line)
{
    *w = (struct words){.copy = strdup(line)};
    if (!w->copy)
        return false;
    for (char *at = w->copy; *at;) {
        at += strspn(at, " \t\r\n\f\v");
        if (!*at)
            break;
        char *end = at + strcspn(at, " \t\r\n\f\v");
        if (!vec_push(&w->items, at))
            return false;
        at = *end ? end + 1 : end;
        *end = '\0';
    }
    return true;
}

static void words_fini(struct words *w)
{
    vec_fini(&w->items);
    free(w->copy);
}

static char *trimmed_copy(const char *text, size_t len)
{
    while (len && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    return strndup(text, len);
}

/* ---- assignments: name=value, or just the name of a switch ---- */

static int set_sample_index(struct shell *s, const struct variable *v, const char *value)
{
    size_t index;
    struct error error;
    if (report_sample_index(s->p, value, &index, &error))
        return report_error(&error);
    if (variable_set(s->settings, v, -1, s->p->sample_types.items[index].type, &error))
        report_error(&error);
    return 0;
}

static int assign(struct shell *s, const struct variable *v, int choice, const char *name, const char *value)
{
    struct error error;
    if (!value &&
        choice >= 0) { /* on a command line it would do; here it says too little, as in the source */
        fprintf(stderr, "did you mean: %s=%s\n", v->name, name);
        return 0;
    }
    if (!value && !variable_is_switch(v, choice)) {
        fprintf(stderr, "please specify a value, e.g. %s=<val>\n", name);
        return 0;
    }
    if (strcmp(v->name, "sample_index") == 0)
        return set_sample_index(s, v, value);
    if (variable_set(s->settings, v, choice, value ? value : "", &error))
        report_error(&error);
    return 0;
}

/* What a line assigns, if it does: true when it was an assignment. */
static bool try_assignment(struct shell *s, const char *line)
{
    size_t name_len = strcspn(line, "=");
    char *name = trimmed_copy(line, name_len), *value = NULL;
    int choice;
    const struct variable *v = name ? variable_find(name, &choice) : NULL;
    if (v && line[name_len] == '=') {
        const char *text = line + name_len + 1, *comment = NULL;
        for (const char *at = text; (at = strstr(at, "//:")); at++)
            comment = at;
        value = trimmed_copy(text, comment ? (size_t)(comment - text) : strlen(text));
    }
    if (v)
        assign(s, v, choice, name, value);
    free(name);
    free(value);
    return v != NULL;
}

/* ---- shortcuts ---- */

static int set_by_name(struct shell *s, const char *name, const char *value)
{
    int choice;
    const struct variable *v = variable_find(name, &choice);
    return assign(s, v, choice, name, value);
}

/* ":" clears the filters; the name of a sample type selects it, with total_ or mean_ before it too. */
static bool try_shortcut(struct shell *s, const char *word)
{
    if (strcmp(word, ":") == 0) {
        static const char *const cleared[] = {"focus", "ignore", "hide", "tagfocus", "tagignore"};
        for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++)
            set_by_name(s, cleared[i], "");
        return true;
    }
    const char *type = word, *mean = NULL;
    if (strncmp(word, "total_", 6) == 0) {
        type = word + 6;
        mean = "0";
    } else if (strncmp(word, "mean_", 5) == 0) {
        type = word + 5;
        mean = "1";
    }
    for (size_t i = 0; i < s->p->sample_types.len; i++) {
        bool plain = strcmp(s->p->sample_types.items[i].type, word) == 0;
        if (!plain && !(mean && strcmp(s->p->sample_types.items[i].type, type) == 0))
            continue;
        if (!plain)
            set_by_name(s, "mean", mean);
        set_by_name(s, "sample_index", s->p->sample_types.items[i].type);
        return true;
    }
    return false;
}

/* ---- options and help ---- */

static void put_type_names(const struct profile *p, struct buf *out)
{
    buf_puts(out, "//: [");
    for (size_t i = 0; i < p->sample_types.len; i++)
        buf_printf(out, "%s%s", i ? " | " : "", p->sample_types.items[i].type);
    buf_putc(out, ']');
}

/* By name, whatever their values are. */
static void put_choices(const struct variable *v, struct buf *out)
{
    const char *last = "";
    buf_puts(out, "//: [");
    for (bool first = true;; first = false) {
        const char *next = NULL;
        for (int k = 0; v->choices[k].name; k++)
            if (strcmp(v->choices[k].name, last) > 0 && (!next || strcmp(v->choices[k].name, next) < 0))
                next = v->choices[k].name;
        if (!next)
            break;
        buf_printf(out, "%s%s", first ? "" : " | ", next);
        last = next;
    }
    buf_putc(out, ']');
}

static void put_option(const struct shell *s, const struct variable *v, struct buf *out)
{
    struct buf value = {0};
    variable_print(&s->settings->config, v, &value);
    const char *text = value.len ? value.data : "\"\"";
    bool is_index = strcmp(v->name, "sample_index") == 0;
    size_t index;
    struct error error;
    if (is_index && report_sample_index(s->p, s->settings->config.sample_index, &index, &error) == 0)
        text = s->p->sample_types.items[index].type;
    buf_printf(out, "  %-25s = %-20s ", v->name, text);
    if (is_index)
        put_type_names(s->p, out);
    else if (v->choices)
        put_choices(v, out);
    else if (strcmp(v->name, "nodecount") == 0 && strcmp(text, "-1") == 0)
        buf_puts(out, "//: default");
    buf_putc(out, '\n');
    buf_fini(&value);
}

void shell_show(struct buf *text)
{
    if (text->data)
        output_say(text->data, text->len);
    buf_fini(text);
}

static int list_options(const struct shell *s)
{
    struct buf out = {0};
    for (unsigned i = 0; i < n_variables; i++)
        put_option(s, &variables[i], &out);
    shell_show(&out);
    return 0;
}

static int help(const struct shell *s, const struct words *w)
{
    struct buf out = {0};
    if (w->items.len == 1) {
        commands_print_usage(false, &out);
        buf_puts(&out, "\n  Type \"help NAME\" for more on one of them.\n");
    } else if (!commands_print_help(w->items.items[1], &out)) {
        buf_printf(&out, "Unknown command: %s\n", w->items.items[1]);
    } else if (strcmp(w->items.items[1], "sample_index") == 0) {
        buf_puts(&out, "This profile has");
        for (size_t i = 0; i < s->p->sample_types.len; i++)
            buf_printf(&out, " %s", s->p->sample_types.items[i].type);
        buf_puts(&out, ".\n");
    }
    shell_show(&out);
    return 0;
}

/* ---- commands ---- */

struct request {
    const struct command *command;
    const char *pattern;
    struct config config;
    struct buf focus, ignore; /* back config's strings */
};

static void add_pattern(struct buf *all, const char *pattern)
{
    buf_printf(all, "%s%s", all->len ? "|" : "", pattern);
}

static bool is_number(const char *text, int *number)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < INT_MIN || n > INT_MAX)
        return false;
    *number = (int)n;
    return true;
}

/* Whether the line ends in |COMMAND: a word that begins with a bar. Cuts it off. */
static char *find_pipe(char *line)
{
    for (char *bar = line; (bar = strchr(bar, '|')); bar++) {
        if (bar == line || !isspace((unsigned char)bar[-1]))
            continue;
        *bar = '\0';
        return bar + 1 + strspn(bar + 1, " \t");
    }
    return NULL;
}

/* "-focus=cache": an option for this command alone. *is_option is false when the word is none. */
static int parse_option(
    const struct shell *s, struct request *q, const char *word, bool *is_option, struct error *error)
{
    char name[40];
    int choice;
    size_t len = strcspn(word, "=");
    *is_option = false;
    if (word[len] != '=' || len >= sizeof name)
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)len, word);
    const struct variable *v = variable_find(name, &choice);
    if (!v)
        return 0;
    *is_option = true;
    struct settings one = {q->config, s->settings->strings};
    int code = variable_set(&one, v, choice, word + len + 1, error);
    q->config = one.config;
    return code;
}

static int parse_arguments(
    const struct shell *s, struct request *q, char **args, size_t n, struct error *error)
{
    for (size_t i = 0; i < n; i++) {
        const char *arg = args[i];
        if (is_number(arg, &q->config.nodecount))
            continue;
        if (*arg == '>') {
            if (!arg[1] && i + 1 == n)
                return error_set(error, ERR_INVALID, "unexpected end of line after >");
            q->config.output = arg[1] ? arg + 1 : args[++i];
        } else if (strcmp(arg, "-cum") == 0 || strcmp(arg, "--cum") == 0) {
            q->config.sort = SORT_CUM;
        } else if (*arg == '-') {
            bool is_option;
            int code = parse_option(s, q, arg + 1 + (arg[1] == '-'), &is_option, error);
            if (code)
                return code;
            if (!is_option)
                add_pattern(&q->ignore, arg + 1);
        } else {
            add_pattern(&q->focus, arg);
        }
    }
    return 0;
}

static void apply_filters(struct request *q)
{
    bool tags = q->command->format == REPORT_TAGS;
    if (q->focus.len)
        *(tags ? &q->config.tagfocus : &q->config.focus) = q->focus.data;
    if (q->ignore.len)
        *(tags ? &q->config.tagignore : &q->config.ignore) = q->ignore.data;
    enum report_format format = q->command->format;
    if (q->config.nodecount == -1 && (format == REPORT_TEXT || format == REPORT_JSON || format == REPORT_CSV))
        q->config.nodecount = 10;
}

static int unknown_command(const char *name, struct words *w, struct error *error)
{
    int choice;
    if (variable_find(name, &choice))
        return error_set(
            error, ERR_INVALID, "did you mean: %s=%s", name, w->items.len > 1 ? w->items.items[1] : "<val>");
    struct nearest near = nearest_begin(name);
    for (unsigned i = 0; i < n_commands; i++)
        nearest_offer(&near, commands[i].name);
    for (unsigned i = 0; i < n_variables; i++)
        nearest_offer(&near, variables[i].name);
    return near.best ? error_set(error, ERR_INVALID, "unrecognized command: \"%s\", did you mean %s?", name,
                           near.best)
                     : error_set(error, ERR_INVALID, "unrecognized command: \"%s\" (help lists them)", name);
}

/* "top10" is "top 10". */
static const struct command *find_command(char *name, int *count)
{
    const struct command *c = command_find(name);
    size_t len = strlen(name), digits = len;
    while (digits > 0 && isdigit((unsigned char)name[digits - 1]))
        digits--;
    if (c || digits == len || digits == 0 || !is_number(name + digits, count))
        return c;
    name[digits] = '\0';
    return command_find(name);
}

static int parse_request(const struct shell *s, struct request *q, struct words *w, struct error *error)
{
    size_t first = 1;
    q->command = find_command(w->items.items[0], &q->config.nodecount);
    if (!q->command)
        return unknown_command(w->items.items[0], w, error);
    if (q->command->has_pattern) {
        if (w->items.len < 2)
            return error_set(error, ERR_INVALID, "command %s requires an argument", q->command->name);
        q->pattern = w->items.items[first++];
    }
    int code = parse_arguments(s, q, w->items.items + first, w->items.len - first, error);
    if (!code)
        apply_filters(q);
    return code;
}

static int run_command(struct shell *s, struct words *w, const char *pipe)
{
    struct request q = {.config = s->settings->config};
    struct error error = {0};
    int code = parse_request(s, &q, w, &error);
    struct production what = {.command = q.command,
        .pattern = q.pattern,
        .config = &q.config,
        .tools = s->tools,
        .pipe = pipe,
        .in_shell = true,
        .cancel = &interrupted};
    interrupt_clear();
    if (!code)
        code = produce(s->p, &what, &error);
    if (code)
        report_error(&error);
    buf_fini(&q.focus);
    buf_fini(&q.ignore);
    return 0;
}

static int run_words(struct shell *s, struct words *w, const char *pipe)
{
    if (w->items.len == 0)
        return 0;
    const char *first = w->items.items[0];
    if (strcmp(first, "o") == 0 || strcmp(first, "options") == 0)
        return list_options(s);
    if (strcmp(first, "exit") == 0 || strcmp(first, "quit") == 0 || strcmp(first, "q") == 0)
        return ERR_CANCELLED;
    if (strcmp(first, "help") == 0)
        return help(s, w);
    return run_command(s, w, pipe);
}

int shell_execute(struct shell *s, const char *typed)
{
    char *line = trimmed_copy(typed, strlen(typed));
    struct words words = {0};
    int code = 0;
    if (!line)
        return say("out of memory");
    if (!try_shortcut(s, line) && !try_assignment(s, line)) {
        char *pipe = find_pipe(line);
        if (split_words(&words, line))
            code = run_words(s, &words, pipe);
        else
            say("out of memory");
    }
    words_fini(&words);
    free(line);
    return code;
}
