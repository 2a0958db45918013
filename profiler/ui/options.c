#include "ui/options.h"

#include "base/nearest.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything the parser must remember between options. */
struct parser {
    struct options *o;
    struct error *error;
    VEC(const char *) base, diff_base;
    const char *sample_index; /* by -sample_index */
    unsigned value_switches;  /* bits: which of value_switch below were given */
    int chosen[64];           /* of each variable with choices: which one, plus 1 */
};

struct value_switch {
    const char *name, *sample_type;
};

static const struct value_switch value_switches[] = {
    {"total_delay", "delay"},
    {"mean_delay", "delay"},
    {"contentions", "contentions"},
    {"inuse_space", "inuse_space"},
    {"inuse_objects", "inuse_objects"},
    {"alloc_space", "alloc_space"},
    {"alloc_objects", "alloc_objects"},
};

enum { N_VALUE_SWITCHES = sizeof value_switches / sizeof *value_switches, MEAN_DELAY = 1 };

enum source_kind { SOURCE_TEXT, SOURCE_COUNT, SOURCE_SWITCH, SOURCE_BASE, SOURCE_DIFF_BASE, SOURCE_FAIL_IF };

struct source_option {
    const char *name;
    enum source_kind kind;
    size_t offset; /* in struct options */
    const char *help;
};

#define OPTION(field) offsetof(struct options, field)

static const struct source_option source_options[] = {
    {"seconds", SOURCE_COUNT, OPTION(seconds), "Collect for this long"},
    {"timeout", SOURCE_COUNT, OPTION(timeout_s), "Give up on a source after this many seconds"},
    {"base", SOURCE_BASE, 0, "Subtract this profile"},
    {"diff_base", SOURCE_DIFF_BASE, 0, "Compare with this profile: percentages are of it"},
    {"fail_if", SOURCE_FAIL_IF, 0,
        "Exit with 3 if this holds, as FUNCTION>5%, 'cum(json)>=10ms', 'total>1GB'"},
    {"buildid", SOURCE_TEXT, OPTION(build_id), "Build ID of the first mapping, instead of the recorded one"},
    {"add_comment", SOURCE_TEXT, OPTION(comment), "Add this comment to the profile"},
    {"source_label", SOURCE_TEXT, OPTION(source_label),
        "Give samples a label of this key that says where they are from"},
    {"all_frames", SOURCE_SWITCH, OPTION(all_frames), "Keep the frames the profile says to drop"},
    {"symbolize", SOURCE_TEXT, OPTION(symbolize),
        "Where names come from: none, local, fastlocal, remote, force"},
    {"token", SOURCE_TEXT, OPTION(token),
        "Token for servers that ask for one; CPROF_TOKEN keeps it out of sight"},
    {"tls_cert", SOURCE_TEXT, OPTION(tls_cert), "Client certificate for https"},
    {"tls_key", SOURCE_TEXT, OPTION(tls_key), "Private key of the client certificate"},
    {"tls_ca", SOURCE_TEXT, OPTION(tls_ca),
        "Certificates of those who vouch for servers, in place of the system's"},
    {"tools", SOURCE_TEXT, OPTION(tools), "Folders with objdump, for disassembly: DIR,... or objdump:DIR"},
    {"http", SOURCE_TEXT, OPTION(http), "Serve the profile to a browser at [host]:[port], until Ctrl-C"},
    {"no_browser", SOURCE_SWITCH, OPTION(no_browser), "With -http: print the address, open no browser"},
    {"triage", SOURCE_SWITCH, OPTION(triage),
        "Collect every profile of a server at once and read them together; or a folder it left"},
    {"stats", SOURCE_TEXT, OPTION(stats),
        "With -triage: URL or port of the server's own /stats, for its threads and p95 over time"},
    {"compare", SOURCE_SWITCH, OPTION(compare),
        "Write a page that sets two folders of -triage beside each other: before, after"},
    {"completions", SOURCE_TEXT, OPTION(completions), "Print completion for a shell: bash, zsh or fish"},
    {"help", SOURCE_SWITCH, OPTION(help), "What is most needed; help all, help NAME say more"},
    {"h", SOURCE_SWITCH, OPTION(help), NULL},
    {"version", SOURCE_SWITCH, OPTION(version), "Say which pprof this is"},
};

/* ---- one option ---- */

static int invalid(struct parser *p, const char *name, const char *text, const char *want)
{
    return error_set(p->error, ERR_INVALID, "-%s: \"%s\" is not %s", name, text, want);
}

static int set_count(struct parser *p, const char *name, const char *text, int *field)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < 0 || n > INT_MAX)
        return invalid(p, name, text, "a number of seconds");
    *field = (int)n;
    return 0;
}

static int set_switch(struct parser *p, const char *name, const char *text, bool *field)
{
    return parse_bool(text, field) ? 0 : invalid(p, name, text, "true or false");
}

static int add_limit(struct parser *p, const char *text)
{
    struct limit l;
    int code = limit_parse(&l, text, p->error);
    if (!code && !vec_push(&p->o->limits, l))
        code = error_set(p->error, ERR_NOMEM, "out of memory");
    else if (code)
        error_prefix(p->error, "-fail_if");
    if (code)
        limit_fini(&l);
    return code;
}

static int set_source_option(struct parser *p, const struct source_option *s, const char *text)
{
    void *field = (char *)p->o + s->offset;
    int code = 0;
    switch (s->kind) {
    case SOURCE_TEXT:
        *(const char **)field = text;
        return 0;
    case SOURCE_COUNT:
        return set_count(p, s->name, text, field);
    case SOURCE_SWITCH:
        return set_switch(p, s->name, text, field);
    case SOURCE_FAIL_IF:
        return add_limit(p, text);
    case SOURCE_BASE:
        code = !*text || vec_push(&p->base, text) ? 0 : ERR_NOMEM;
        break;
    case SOURCE_DIFF_BASE:
        code = !*text || vec_push(&p->diff_base, text) ? 0 : ERR_NOMEM;
        break;
    }
    return code ? error_set(p->error, code, "out of memory") : 0;
}

static int set_command(struct parser *p, const struct command *c, const char *text)
{
    bool yes = true;
    if (c->has_pattern && !*text)
        return 0;
    if (!c->has_pattern && !parse_bool(text, &yes))
        return invalid(p, c->name, text, "true or false");
    if (!yes)
        return 0;
    if (p->o->command && p->o->command != c)
        return error_set(p->error, ERR_INVALID, "one output format at a time, not both -%s and -%s",
            p->o->command->name, c->name);
    p->o->command = c;
    p->o->pattern = c->has_pattern ? text : NULL;
    return 0;
}

static int set_variable(struct parser *p, const struct variable *v, int choice, const char *text)
{
    bool yes;
    if (choice >= 0) {
        if (!parse_bool(text, &yes))
            return invalid(p, v->choices[choice].name, text, "true or false");
        if (!yes)
            return 0;
        int *chosen = &p->chosen[v - variables];
        if (*chosen && *chosen != choice + 1)
            return error_set(p->error, ERR_INVALID, "one %s at a time, not both -%s and -%s", v->name,
                v->choices[*chosen - 1].name, v->choices[choice].name);
        *chosen = choice + 1;
    }
    if (strcmp(v->name, "sample_index") == 0)
        p->sample_index = text;
    return variable_set(&p->o->settings, v, choice, text, p->error);
}

/* What an option is, whatever table it comes from. */
struct found {
    const struct command *command;
    const struct variable *variable;
    int choice;
    const struct source_option *source;
    const struct value_switch *value;
    bool is_switch; /* needs no value */
};

static bool find_option(const char *name, struct found *f)
{
    *f = (struct found){.command = command_find(name)};
    if (f->command) {
        f->is_switch = !f->command->has_pattern;
        return true;
    }
    f->variable = variable_find(name, &f->choice);
    if (f->variable) {
        /* A group is chosen by its choices' names. */
        f->is_switch = variable_is_switch(f->variable, f->choice);
        return f->choice >= 0 || f->variable->kind != VARIABLE_CHOICE;
    }
    for (size_t i = 0; i < sizeof source_options / sizeof *source_options; i++) {
        if (strcmp(source_options[i].name, name) == 0) {
            f->source = &source_options[i];
            f->is_switch = f->source->kind == SOURCE_SWITCH;
            return true;
        }
    }
    for (size_t i = 0; i < N_VALUE_SWITCHES; i++) {
        if (strcmp(value_switches[i].name, name) == 0) {
            f->value = &value_switches[i];
            return f->is_switch = true;
        }
    }
    return false;
}

static int set_value_switch(struct parser *p, const struct value_switch *v, const char *text)
{
    bool yes;
    if (!parse_bool(text, &yes))
        return invalid(p, v->name, text, "true or false");
    unsigned bit = 1u << (v - value_switches);
    p->value_switches = yes ? p->value_switches | bit : p->value_switches & ~bit;
    return 0;
}

static int set_found(struct parser *p, const struct found *f, const char *text)
{
    if (f->command)
        return set_command(p, f->command, text);
    if (f->variable)
        return set_variable(p, f->variable, f->choice, text);
    return f->source ? set_source_option(p, f->source, text) : set_value_switch(p, f->value, text);
}

void options_each(void (*visit)(const struct option_info *option, void *context), void *context)
{
    for (unsigned i = 0; i < n_commands; i++)
        visit(&(struct option_info){commands[i].name, commands[i].summary, commands[i].has_pattern}, context);
    for (unsigned i = 0; i < n_variables; i++) {
        const struct variable *v = &variables[i];
        if (!v->choices)
            visit(&(struct option_info){v->name, v->help, !variable_is_switch(v, -1)}, context);
        for (int k = 0; v->choices && v->choices[k].name; k++)
            visit(&(struct option_info){v->choices[k].name, v->choices[k].help, false}, context);
    }
    for (size_t i = 0; i < sizeof source_options / sizeof *source_options; i++) {
        const struct source_option *s = &source_options[i];
        bool is_switch = s->kind == SOURCE_SWITCH;
        if (s->help)
            visit(&(struct option_info){s->name, s->help, !is_switch}, context);
    }
    for (size_t i = 0; i < N_VALUE_SWITCHES; i++)
        visit(&(struct option_info){value_switches[i].name, "In place of -sample_index", false}, context);
}

static void offer(const struct option_info *option, void *context)
{
    nearest_offer(context, option->name);
}

static int no_option(struct error *error, const char *dash, const char *name)
{
    struct nearest near = nearest_begin(name);
    options_each(offer, &near);
    return near.best ? error_set(error, ERR_INVALID, "%s%s is no option; did you mean %s%s?", dash, name,
                           dash, near.best)
                     : error_set(error, ERR_INVALID, "%s%s is no option; pprof -help lists them", dash, name);
}

/* Handles argv[*i], and the value after it where one belongs to it. */
static int parse_option(struct parser *p, int argc, char **argv, int *i)
{
    const char *arg = argv[*i], *text = arg + 1 + (arg[1] == '-');
    char name[64];
    size_t len = strcspn(text, "=");
    struct found found;
    if (len >= sizeof name || len == 0)
        return error_set(p->error, ERR_INVALID, "%s is no option; pprof -help lists them", arg);
    memcpy(name, text, len);
    name[len] = '\0';
    if (!find_option(name, &found))
        return no_option(p->error, "-", name);
    if (text[len] == '=')
        return set_found(p, &found, text + len + 1);
    if (found.is_switch)
        return set_found(p, &found, "true");
    if (*i + 1 >= argc)
        return error_set(p->error, ERR_INVALID, "-%s needs a value: -%s=...", name, name);
    return set_found(p, &found, argv[++*i]);
}

/* ---- sources ---- */

/* Not of a pipe, whose first bytes would then be missing. */
static bool is_elf(const char *file)
{
    char magic[4] = {0};
    struct stat st;
    FILE *f = stat(file, &st) == 0 && S_ISREG(st.st_mode) ? fopen(file, "re") : NULL;
    if (!f)
        return false;
    bool elf = fread(magic, 1, 4, f) == 4 && memcmp(magic, "\177ELF", 4) == 0;
    fclose(f);
    return elf;
}

static bool is_build_id(const char *text)
{
    return *text && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static int late_option(struct parser *p, const char *arg, const char *source)
{
    return error_set(p->error, ERR_INVALID,
        "%s comes after the source %s, where it would be taken for a file: options go first", arg, source);
}

static int parse_sources(struct parser *p, char **args, int n)
{
    int first = 0;
    for (int i = 1; i < n; i++)
        if (args[i][0] == '-' && access(args[i], F_OK) != 0)
            return late_option(p, args[i], args[0]);
    if (n > 1 && is_elf(args[0]))
        p->o->exec_name = args[first++];
    else if (n > 1 && !p->o->build_id && is_build_id(args[0]) && access(args[0], F_OK) != 0)
        p->o->build_id = args[first++];
    for (int i = first; i < n; i++)
        if (!vec_push(&p->o->sources, args[i]))
            return error_set(p->error, ERR_NOMEM, "out of memory");
    if (n == 0)
        return error_set(
            p->error, ERR_INVALID, "no profile source: name a file or a URL; pprof -help says more");
    return 0;
}

/* ---- what follows from all of them ---- */

static int apply_value_switches(struct parser *p)
{
    const char *index = p->sample_index && *p->sample_index ? p->sample_index : NULL;
    for (size_t i = 0; i < N_VALUE_SWITCHES; i++) {
        if (!(p->value_switches & 1u << i))
            continue;
        if (index)
            buf_printf(&p->o->warnings, "Multiple value selections, ignoring -%s\n", value_switches[i].name);
        else
            index = value_switches[i].sample_type;
    }
    if (p->value_switches & 1u << MEAN_DELAY)
        p->o->settings.config.mean = true;
    if (index)
        p->o->settings.config.sample_index = intern_string(p->o->settings.strings, index);
    return p->o->settings.config.sample_index ? 0 : error_set(p->error, ERR_NOMEM, "out of memory");
}

static int apply_bases(struct parser *p)
{
    if (p->base.len && p->diff_base.len)
        return error_set(p->error, ERR_INVALID, "-base and -diff_base do not go together");
    p->o->diff_base = p->diff_base.len > 0;
    for (size_t i = 0; i < p->base.len; i++)
        if (!vec_push(&p->o->bases, p->base.items[i]))
            return error_set(p->error, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < p->diff_base.len; i++)
        if (!vec_push(&p->o->bases, p->diff_base.items[i]))
            return error_set(p->error, ERR_NOMEM, "out of memory");
    if (p->o->settings.config.normalize && p->o->bases.len == 0)
        return error_set(p->error, ERR_INVALID, "-normalize needs -base or -diff_base");
    return 0;
}

static int check_file(struct parser *p, const char *name, const char *file)
{
    if (*file && access(file, R_OK) != 0)
        return error_set(p->error, ERR_INVALID, "-%s: %s: %s", name, file, strerror(errno));
    return 0;
}

static int apply_credentials(struct parser *p)
{
    struct options *o = p->o;
    const char *token = getenv("CPROF_TOKEN");
    o->token = o->token ? o->token : token ? token : "";
    for (const char *c = o->token; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return error_set(p->error, ERR_INVALID, "the token has a character that no header may have");
    if (!*o->tls_cert != !*o->tls_key)
        return error_set(p->error, ERR_INVALID, "-tls_cert and -tls_key go together");
    int code = check_file(p, "tls_cert", o->tls_cert);
    if (!code)
        code = check_file(p, "tls_key", o->tls_key);
    return code ? code : check_file(p, "tls_ca", o->tls_ca);
}

static int apply_http(struct parser *p)
{
    struct options *o = p->o;
    if (!o->http && o->no_browser)
        return error_set(p->error, ERR_INVALID, "-no_browser only makes sense with -http");
    const char *other = !o->http ? NULL : o->command ? o->command->name : o->limits.len ? "fail_if" : NULL;
    return other ? error_set(p->error, ERR_INVALID, "-http and -%s do not go together", other) : 0;
}

static int apply_triage(struct parser *p)
{
    if (!p->o->triage && p->o->stats)
        return error_set(p->error, ERR_INVALID, "-stats only makes sense with -triage");
    if (!p->o->triage)
        return 0;
    if (p->o->limits.len)
        return error_set(p->error, ERR_INVALID, "-triage and -fail_if do not go together");
    if (p->o->command)
        return error_set(p->error, ERR_INVALID, "-triage and -%s do not go together", p->o->command->name);
    if (p->o->sources.len != 1 || p->o->exec_name || p->base.len || p->diff_base.len)
        return error_set(p->error, ERR_INVALID, "-triage wants one URL, or one folder that it left");
    return 0;
}

static int apply_compare(struct parser *p)
{
    const struct options *o = p->o;
    const char *other = o->triage       ? "triage"
                        : o->http       ? "http"
                        : o->command    ? o->command->name
                        : o->limits.len ? "fail_if"
                                        : NULL;
    if (!o->compare)
        return 0;
    if (other)
        return error_set(p->error, ERR_INVALID, "-compare and -%s do not go together", other);
    if (o->sources.len != 2 || o->exec_name || o->build_id || p->base.len || p->diff_base.len)
        return error_set(p->error, ERR_INVALID, "-compare wants two folders: before, after");
    return 0;
}

static int parse_all(struct parser *p, int argc, char **argv)
{
    int i = 1, code = 0;
    for (; i < argc && argv[i][0] == '-' && argv[i][1] && !code; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        code = parse_option(p, argc, argv, &i);
    }
    if (!code && i < argc && strcmp(argv[i], "help") == 0 && access("help", F_OK) != 0) {
        p->o->help = true;
        p->o->help_on = argv[i + 1]; /* argv ends in NULL */
    }
    if (code || p->o->help || p->o->version || p->o->completions)
        return code;
    code = parse_sources(p, argv + i, argc - i);
    if (!code)
        code = apply_compare(p);
    if (!code)
        code = apply_http(p);
    if (!code)
        code = apply_triage(p);
    if (!code)
        code = apply_credentials(p);
    if (!code)
        code = apply_value_switches(p);
    return code ? code : apply_bases(p);
}

int options_parse(struct options *o, int argc, char **argv, struct error *error)
{
    *o = (struct options){.seconds = -1,
        .timeout_s = -1,
        .symbolize = "",
        .source_label = "",
        .comment = "",
        .tls_cert = "",
        .tls_key = "",
        .tls_ca = ""};
    struct parser p = {.o = o, .error = error};
    if (settings_init(&o->settings))
        return error_set(error, ERR_NOMEM, "out of memory");
    int code = parse_all(&p, argc, argv);
    vec_fini(&p.base);
    vec_fini(&p.diff_base);
    return code;
}

void options_fini(struct options *o)
{
    vec_fini(&o->sources);
    vec_fini(&o->bases);
    for (size_t i = 0; i < o->limits.len; i++)
        limit_fini(&o->limits.items[i]);
    vec_fini(&o->limits);
    buf_fini(&o->warnings);
    settings_fini(&o->settings);
}

static void print_environment(struct buf *out)
{
    buf_puts(out,
        "\n  Environment:\n"
        "    CPROF_TOKEN          Sent to servers as Authorization: Bearer, as -token\n"
        "    PPROF_TMPDIR         Where fetched profiles are kept (default $HOME/pprof)\n"
        "    PPROF_TOOLS          Where objdump is, as -tools says\n"
        "    PPROF_BINARY_PATH    Where binaries are for their names (default $HOME/pprof/binaries)\n"
        "    COLUMNS, NO_COLOR    How wide -flame and -triage are, and that they have no colour\n");
}

void options_print_all(struct buf *out)
{
    commands_print_usage(true, out);
    buf_puts(out, "\n  Sources:\n");
    for (size_t i = 0; i < sizeof source_options / sizeof *source_options; i++)
        if (source_options[i].help)
            buf_printf(out, "    -%-19s %s\n", source_options[i].name, source_options[i].help);
    buf_puts(out, "\n  Values, in place of -sample_index:\n   ");
    for (size_t i = 0; i < N_VALUE_SWITCHES; i++)
        buf_printf(out, " -%s", value_switches[i].name);
    buf_putc(out, '\n');
    print_environment(out);
}

static void print_examples(struct buf *out)
{
    buf_puts(out,
        "usage: pprof -FORMAT [options] [binary] SOURCE...   print a report\n"
        "       pprof [options] [binary] SOURCE...           a shell for one report after another\n"
        "       pprof -http=[HOST]:[PORT] [options] [binary] SOURCE...\n"
        "                                                    in a browser: flame graph, top, graph, source\n"
        "       pprof -triage [-http=:] URL|FOLDER           every profile of a server, read together\n"
        "       pprof -compare BEFORE AFTER >PAGE.html       two folders of that, as a page\n"
        "       pprof help [all|NAME]                        all there is; one format or option\n"
        "\n"
        "A SOURCE is a file or a URL: host:port means http://host:port/debug/pprof/profile.\n"
        "unix:SOCKET asks through a socket of this machine. Several are added up.\n"
        "\n"
        "For example:\n"
        "   pprof -top http://127.0.0.1:6060/debug/pprof/profile?seconds=30\n"
        "   pprof -http=: cpu.pb.gz\n"
        "   pprof -http=: -triage -stats=8080 http://127.0.0.1:6060\n"
        "   pprof -flame -focus=json cpu.pb.gz\n"
        "   pprof -growth -inuse_space -diff_base=before.pb.gz after.pb.gz\n"
        "   pprof -fail_if 'cum(json_encode)>=20%' cpu.pb.gz\n");
}

/* Those most used, by what they are wanted for; their help is that of the tables. */
static const struct {
    const char *title;
    const char *names[8];
} most_used[] = {
    {"where it goes", {"top", "flame", "tree", "peek", "list", "http"}},
    {"what changed", {"diff_base", "growth", "base"}},
    {"for programs", {"json", "csv", "folded", "proto", "fail_if"}},
    {"a part of it", {"focus", "ignore", "show_from", "tagfocus", "nodecount"}},
    {"what is counted", {"sample_index", "cum", "lines", "unit"}},
    {"servers", {"seconds", "triage", "token", "timeout"}},
};

struct wanted {
    const char *name;
    struct option_info found;
};

static void find_wanted(const struct option_info *option, void *context)
{
    struct wanted *w = context;
    if (strcmp(option->name, w->name) == 0)
        w->found = *option;
}

void options_print_usage(struct buf *out)
{
    print_examples(out);
    for (size_t i = 0; i < sizeof most_used / sizeof *most_used; i++) {
        buf_printf(out, "\n%s\n", most_used[i].title);
        for (int k = 0; most_used[i].names[k]; k++) {
            struct wanted w = {.name = most_used[i].names[k]};
            options_each(find_wanted, &w);
            char dashed[40];
            snprintf(dashed, sizeof dashed, "-%s%s", w.name, w.found.takes_value ? "=..." : "");
            buf_printf(out, "   %-18s %.*s\n", dashed, (int)strcspn(w.found.help, "\n"), w.found.help);
        }
    }
    buf_printf(out, "\npprof help all lists the other formats and options, pprof help NAME explains one.\n");
}

int options_print_help(const char *name, struct buf *out, struct error *error)
{
    struct wanted w = {.name = name + (*name == '-') + (name[0] == '-' && name[1] == '-')};
    if (strcmp(w.name, "all") == 0) {
        options_print_all(out);
        return 0;
    }
    if (commands_print_help(w.name, out))
        return 0;
    options_each(find_wanted, &w);
    if (!w.found.name)
        return no_option(error, "", w.name);
    buf_printf(out, "%s\n", w.found.help);
    return 0;
}
