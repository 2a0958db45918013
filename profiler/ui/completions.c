#include "ui/completions.h"

#include "ui/options.h"

#include <string.h>

/* What the values of an option are, where they are a few words. */
static const char *words_of(const char *name)
{
    static const struct {
        const char *name, *words;
    } known[] = {
        {"sample_index",
            "cpu samples delay contentions inuse_space inuse_objects alloc_space alloc_objects time threads"},
        {"completions", "bash zsh fish"},
        {"symbolize", "none local fastlocal remote force demangle=none demangle=full demangle=templates"},
        {"unit", "minimum auto ns us ms s minutes hours bytes kb mb gb count"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].words;
    return NULL;
}

static bool is_file(const char *name)
{
    static const char *const files[] = {
        "output", "base", "diff_base", "tls_cert", "tls_key", "tls_ca", "source_path", "tools", NULL};
    for (int i = 0; files[i]; i++)
        if (strcmp(files[i], name) == 0)
            return true;
    return false;
}

/* ---- bash ---- */

static void bash_name(const struct option_info *o, void *context)
{
    buf_printf(context, " -%s%s", o->name, o->takes_value ? "=" : "");
}

static void bash_words(const struct option_info *o, void *context)
{
    const char *words = o->takes_value ? words_of(o->name) : NULL;
    if (words)
        buf_printf(
            context, "    -%s) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\") ;;\n", o->name, words);
}

static void bash_file(const struct option_info *o, void *context)
{
    struct buf *out = context;
    if (o->takes_value && is_file(o->name))
        buf_printf(out, "%s-%s", out->data[out->len - 1] == ' ' ? "" : " | ", o->name);
}

static void put_bash(struct buf *out)
{
    buf_puts(out,
        "# bash completion for pprof; made by pprof -completions=bash.\n"
        "# An option's value may follow it or a =, which bash takes for a word of its own.\n"
        "_pprof() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} option='' options\n"
        "    if [[ $cur == = ]]; then\n"
        "        option=$prev cur=''\n"
        "    elif [[ $prev == = ]]; then\n"
        "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
        "    else\n"
        "        option=$prev\n"
        "    fi\n"
        "    [[ $option != --* ]] || option=${option#-}\n"
        "    options='");
    options_each(bash_name, out);
    buf_puts(out, "'\n"
                  "    COMPREPLY=()\n"
                  "    case $option in\n");
    options_each(bash_words, out);
    buf_puts(out, "    ");
    options_each(bash_file, out);
    buf_puts(out, ") mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
                  "    *)\n"
                  "        if [[ $cur == -* ]]; then\n"
                  "            mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"-${cur##*-}\")\n"
                  "            [[ ${COMPREPLY[*]-} != *= ]] || compopt -o nospace 2>/dev/null\n"
                  "        else\n"
                  "            mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                  "        fi\n"
                  "        ;;\n"
                  "    esac\n"
                  "}\n"
                  "complete -o filenames -F _pprof pprof\n");
}

/* ---- zsh ---- */

/* Brackets, colons and quotes have a meaning inside a spec. */
static void put_zsh_text(struct buf *out, const char *text)
{
    for (; *text && *text != '\n'; text++) {
        if (*text == '\'')
            buf_puts(out, "'\\''");
        else if (strchr("[]:\\", *text))
            buf_printf(out, "\\%c", *text);
        else
            buf_putc(out, *text);
    }
}

static void zsh_option(const struct option_info *o, void *context)
{
    struct buf *out = context;
    const char *words = words_of(o->name);
    buf_printf(out, " \\\n    '-%s%s[", o->name, o->takes_value ? "=" : "");
    put_zsh_text(out, o->help);
    buf_putc(out, ']');
    if (o->takes_value && words)
        buf_printf(out, ":value:(%s)", words);
    else if (o->takes_value)
        buf_puts(out, is_file(o->name) ? ":file:_files" : ":value:");
    buf_putc(out, '\'');
}

static void put_zsh(struct buf *out)
{
    buf_puts(out, "#compdef pprof\n# zsh completion for pprof; made by pprof -completions=zsh.\n_arguments");
    options_each(zsh_option, out);
    buf_puts(out, " \\\n    '*:profile:_files'\n");
}

/* ---- fish ---- */

static void fish_option(const struct option_info *o, void *context)
{
    struct buf *out = context;
    const char *words = words_of(o->name);
    buf_printf(out, "complete -c pprof -o %s", o->name);
    if (o->takes_value && words)
        buf_printf(out, " -x -a '%s'", words);
    else if (o->takes_value)
        buf_puts(out, is_file(o->name) ? " -r" : " -x");
    buf_puts(out, " -d '");
    for (const char *c = o->help; *c && *c != '\n'; c++)
        buf_printf(out, "%s%c", *c == '\'' || *c == '\\' ? "\\" : "", *c);
    buf_puts(out, "'\n");
}

static void put_fish(struct buf *out)
{
    buf_puts(out, "# fish completion for pprof; made by pprof -completions=fish.\n");
    options_each(fish_option, out);
}

bool completions_put(const char *shell, struct buf *out)
{
    if (strcmp(shell, "bash") == 0)
        put_bash(out);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(out);
    else if (strcmp(shell, "fish") == 0)
        put_fish(out);
    else
        return false;
    return true;
}
