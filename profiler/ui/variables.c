#include "ui/variables.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct variable_choice granularities[] = {
    [GRANULARITY_FUNCTIONS] = {"functions", "One entry a function, whatever file it is in."},
    [GRANULARITY_FILEFUNCTIONS] = {"filefunctions", "One entry a function and file."},
    [GRANULARITY_FILES] = {"files", "One entry a file."},
    [GRANULARITY_LINES] = {"lines", "One entry a source line."},
    [GRANULARITY_ADDRESSES] = {"addresses", "One entry an address, which is shown."},
    {0},
};

static const struct variable_choice orders[] = {
    [SORT_FLAT] = {"flat", "Sort by own weight."},
    [SORT_CUM] = {"cum", "Sort by weight including callees."},
    {0},
};

#define FIELD(field) offsetof(struct config, field)

#define TAG_HELP(summary)                                                           \
    summary "\nName a tag with name=..., e.g. memory=32mb: or op=json."             \
            "\nNumbers: 1kb (exactly), 1kb:10kb, :64kb (at most), 4mb: (at least)." \
            "\nText: a regexp, or several with commas between them."

const struct variable variables[] = {
    {"call_tree", VARIABLE_BOOL, FIELD(call_tree),
        "Keep paths apart\nA function reached in two ways becomes two nodes.", NULL},
    {"compact_labels", VARIABLE_BOOL, FIELD(compact_labels), "Show few lines above a report", NULL},
    {"divide_by", VARIABLE_FLOAT, FIELD(divide_by),
        "Divide all values by this\nFor instance by the number of CPUs or of requests.", NULL},
    {"drop_negative", VARIABLE_BOOL, FIELD(drop_negative), "Leave out what shrank, when comparing", NULL},
    {"edgefraction", VARIABLE_FLOAT, FIELD(edgefraction), "Hide edges below this fraction of the total",
        NULL},
    {"focus", VARIABLE_STRING, FIELD(focus),
        "Only samples through a node matching this regexp\nFunction, file and binary names count.", NULL},
    {"granularity", VARIABLE_CHOICE, FIELD(granularity), "What is one entry", granularities},
    {"hide", VARIABLE_STRING, FIELD(hide),
        "Leave out nodes matching this regexp\nTheir samples stay, and are charged to the caller.", NULL},
    {"ignore", VARIABLE_STRING, FIELD(ignore), "Leave out samples through a node matching this regexp", NULL},
    {"intel_syntax", VARIABLE_BOOL, FIELD(intel_syntax),
        "Show assembly in Intel's syntax\nFor disasm and weblist.", NULL},
    {"mean", VARIABLE_BOOL, FIELD(mean),
        "Divide each value by the first one, the count\nBytes an allocation, or delay a contention.", NULL},
    {"nodecount", VARIABLE_INT, FIELD(nodecount), "Show at most this many nodes", NULL},
    {"nodefraction", VARIABLE_FLOAT, FIELD(nodefraction), "Hide nodes below this fraction of the total",
        NULL},
    {"noinlines", VARIABLE_BOOL, FIELD(no_inlines), "Charge inlined functions to the function they are in",
        NULL},
    {"normalize", VARIABLE_BOOL, FIELD(normalize), "Scale the profile to the base profile's total", NULL},
    {"output", VARIABLE_STRING, FIELD(output), "Write reports to this file", NULL},
    {"prune_from", VARIABLE_STRING, FIELD(prune_from),
        "Cut stacks below the frame matching this regexp\nThe frame itself stays and gets the weight.", NULL},
    {"relative_percentages", VARIABLE_BOOL, FIELD(relative_percentages),
        "Percentages of what is left after filtering, not of the whole", NULL},
    {"sample_index", VARIABLE_STRING, FIELD(sample_index),
        "Which value to report: its name, or its number from 0", NULL},
    {"show", VARIABLE_STRING, FIELD(show), "Only nodes matching this regexp", NULL},
    {"show_from", VARIABLE_STRING, FIELD(show_from),
        "Cut stacks above the outermost frame matching this regexp", NULL},
    {"showcolumns", VARIABLE_BOOL, FIELD(show_columns), "Show columns with line numbers", NULL},
    {"sort", VARIABLE_CHOICE, FIELD(sort), "Order of entries", orders},
    {"source_path", VARIABLE_STRING, FIELD(source_path),
        "Where to search for source files, with colons between", NULL},
    {"tagfocus", VARIABLE_STRING, FIELD(tagfocus), TAG_HELP("Only samples with such a tag"), NULL},
    {"taghide", VARIABLE_STRING, FIELD(taghide), "Leave out tags whose name matches this regexp", NULL},
    {"tagignore", VARIABLE_STRING, FIELD(tagignore), TAG_HELP("Leave out samples with such a tag"), NULL},
    {"tagleaf", VARIABLE_STRING, FIELD(tagleaf),
        "Show these tags as frames at the leaf\nNames with commas between; the last one is the new leaf.",
        NULL},
    {"tagroot", VARIABLE_STRING, FIELD(tagroot),
        "Show these tags as frames at the root\nNames with commas between; the first one is the new root.",
        NULL},
    {"tagshow", VARIABLE_STRING, FIELD(tagshow), "Only tags whose name matches this regexp", NULL},
    {"trim", VARIABLE_BOOL, FIELD(trim),
        "Honour nodecount, nodefraction and edgefraction\nSet it to false for everything.", NULL},
    {"trim_path", VARIABLE_STRING, FIELD(trim_path),
        "Prefixes to take off the names of source files, with colons between", NULL},
    {"unit", VARIABLE_STRING, FIELD(unit),
        "Unit of the values\nseconds, ms, us, ns; bytes, kb, mb, gb. minimum suits the smallest value,\n"
        "auto chooses for each value.",
        NULL},
};

const unsigned n_variables = sizeof variables / sizeof *variables;

int settings_init(struct settings *s)
{
    *s = (struct settings){.config = CONFIG_DEFAULT, .strings = intern_new()};
    return s->strings ? 0 : ERR_NOMEM;
}

void settings_fini(struct settings *s)
{
    intern_unref(s->strings);
    s->strings = NULL;
}

const struct variable *variable_find(const char *name, int *choice)
{
    *choice = -1;
    for (unsigned i = 0; i < n_variables; i++) {
        const struct variable *v = &variables[i];
        if (strcmp(v->name, name) == 0)
            return v;
        for (int k = 0; v->choices && v->choices[k].name; k++) {
            if (strcmp(v->choices[k].name, name) == 0) {
                *choice = k;
                return v;
            }
        }
    }
    return NULL;
}

bool variable_is_switch(const struct variable *v, int choice)
{
    return v->kind == VARIABLE_BOOL || choice >= 0;
}

bool parse_bool(const char *text, bool *value)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "1", ""}, *const no[] = {
                                                                             "false", "f", "no", "n", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcasecmp(text, yes[i]) == 0)
            return *value = true;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        if (strcasecmp(text, no[i]) == 0) {
            *value = false;
            return true;
        }
    }
    return false;
}

static int bad_value(const struct variable *v, const char *text, const char *want, struct error *error)
{
    return error_set(error, ERR_INVALID, "%s: \"%s\" is not %s", v->name, text, want);
}

static int set_choice(int *field, const struct variable *v, const char *text, struct error *error)
{
    for (int k = 0; v->choices[k].name; k++) {
        if (strcmp(v->choices[k].name, text) == 0) {
            *field = k;
            return 0;
        }
    }
    struct buf names = {0};
    for (int k = 0; v->choices[k].name; k++)
        buf_printf(&names, "%s%s", k ? ", " : "one of ", v->choices[k].name);
    int code = bad_value(v, text, names.data ? names.data : "a choice", error);
    buf_fini(&names);
    return code;
}

int variable_set(
    struct settings *s, const struct variable *v, int choice, const char *text, struct error *error)
{
    void *field = (char *)&s->config + v->offset;
    char *end;
    bool yes;
    errno = 0;
    if (choice >= 0) {
        if (!parse_bool(text, &yes) || !yes)
            return bad_value(v, text, "a way to choose: say true, or choose another", error);
        *(int *)field = choice;
        return 0;
    }
    switch (v->kind) {
    case VARIABLE_BOOL:
        return parse_bool(text, field) ? 0 : bad_value(v, text, "true or false", error);
    case VARIABLE_INT: {
        long number = strtol(text, &end, 10);
        if (end == text || *end || errno || number < INT_MIN || number > INT_MAX)
            return bad_value(v, text, "a whole number", error);
        *(int *)field = (int)number;
        return 0;
    }
    case VARIABLE_FLOAT: {
        double number = strtod(text, &end);
        if (end == text || *end || !isfinite(number))
            return bad_value(v, text, "a number", error);
        *(double *)field = number;
        return 0;
    }
    case VARIABLE_CHOICE:
        return set_choice(field, v, text, error);
    case VARIABLE_STRING:
        break;
    }
    const char *copy = intern_string(s->strings, text);
    if (!copy)
        return error_set(error, ERR_NOMEM, "out of memory");
    *(const char **)field = copy;
    return 0;
}

/* The shortest text that reads back as the same number. */
static void print_float(double x, struct buf *out)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    buf_puts(out, text);
}

void variable_print(const struct config *c, const struct variable *v, struct buf *out)
{
    const void *field = (const char *)c + v->offset;
    switch (v->kind) {
    case VARIABLE_BOOL:
        buf_puts(out, *(const bool *)field ? "true" : "false");
        break;
    case VARIABLE_INT:
        buf_printf(out, "%d", *(const int *)field);
        break;
    case VARIABLE_FLOAT:
        print_float(*(const double *)field, out);
        break;
    case VARIABLE_STRING:
        buf_puts(out, *(const char *const *)field);
        break;
    case VARIABLE_CHOICE:
        buf_puts(out, v->choices[*(const int *)field].name);
        break;
    }
}
