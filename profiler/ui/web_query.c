#include "ui/web_query.h"

#include "view/jsontext.h"

#include <ctype.h>
#include <string.h>

static const struct {
    const char *parameter, *variable;
} parameters[] = {
    {"dropneg", "drop_negative"},
    {"calltree", "call_tree"},
    {"rel", "relative_percentages"},
    {"unit", "unit"},
    {"compact", "compact_labels"},
    {"intel", "intel_syntax"},
    {"n", "nodecount"},
    {"nf", "nodefraction"},
    {"ef", "edgefraction"},
    {"trim", "trim"},
    {"f", "focus"},
    {"i", "ignore"},
    {"prunefrom", "prune_from"},
    {"h", "hide"},
    {"s", "show"},
    {"sf", "show_from"},
    {"tf", "tagfocus"},
    {"ti", "tagignore"},
    {"ts", "tagshow"},
    {"th", "taghide"},
    {"tagroot", "tagroot"},
    {"tagleaf", "tagleaf"},
    {"mean", "mean"},
    {"si", "sample_index"},
    {"norm", "normalize"},
    {"sort", "sort"},
    {"g", "granularity"},
    {"noinlines", "noinlines"},
    {"showcolumns", "showcolumns"},
};

enum { N_PARAMETERS = sizeof parameters / sizeof *parameters };

int web_query_init(struct settings *s, const struct settings *defaults)
{
    int code = settings_init(s);
    if (!code)
        s->config = defaults->config; /* whose texts stay */
    return code;
}

int web_query_set(struct settings *s, const char *name, const char *value, struct error *error)
{
    int choice;
    for (size_t i = 0; i < N_PARAMETERS; i++) {
        if (strcmp(parameters[i].parameter, name) != 0)
            continue;
        const struct variable *v = variable_find(parameters[i].variable, &choice);
        return *value || v->kind == VARIABLE_STRING ? variable_set(s, v, choice, value, error) : 0;
    }
    return 0;
}

const char *web_query_name(const struct variable *v)
{
    for (size_t i = 0; i < N_PARAMETERS; i++)
        if (strcmp(parameters[i].variable, v->name) == 0)
            return parameters[i].parameter;
    return NULL;
}

/* Each parameter that differs from its default, with its value as text. */
static void each_set(const struct config *c,
    void (*put)(const char *name, const char *value, size_t n, struct buf *out), struct buf *out)
{
    static const struct config none = CONFIG_DEFAULT;
    size_t n = 0;
    for (unsigned i = 0; i < n_variables; i++) {
        struct buf now = {0}, initially = {0};
        const char *name = web_query_name(&variables[i]);
        variable_print(c, &variables[i], &now);
        variable_print(&none, &variables[i], &initially);
        const char *value = now.data ? now.data : "";
        if (name && strcmp(value, initially.data ? initially.data : "") != 0)
            put(name, value, n++, out);
        buf_fini(&now);
        buf_fini(&initially);
    }
}

static void put_member(const char *name, const char *value, size_t n, struct buf *out)
{
    buf_puts(out, n ? "," : "");
    jsontext_put(out, name);
    buf_putc(out, ':');
    jsontext_put(out, value);
}

void web_query_put(const struct config *c, struct buf *out)
{
    buf_putc(out, '{');
    each_set(c, put_member, out);
    buf_putc(out, '}');
}

static void put_parameter(const char *name, const char *value, size_t n, struct buf *out)
{
    buf_printf(out, "%c%s=", n ? '&' : '?', name);
    for (; *value; value++) {
        if (isalnum((unsigned char)*value) || strchr("-_.~", *value))
            buf_putc(out, *value);
        else
            buf_printf(out, "%%%02X", (unsigned char)*value);
    }
}

void web_query_put_url(const struct config *c, struct buf *out)
{
    each_set(c, put_parameter, out);
}
