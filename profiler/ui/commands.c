#include "ui/commands.h"

#include <stdio.h>
#include <string.h>

#define FILTERS "Only samples matching focus_regex, and none matching ignore_regex."
#define GRAPH_USAGE(name) name " [n] [focus_regex]* [-ignore_regex]* [>file]\nAt most n nodes.\n" FILTERS
#define LIST_USAGE(name) name " func_regex|address [focus_regex]* [-ignore_regex]* [>file]\n" FILTERS
#define TOP_USAGE(name)                                                                  \
    name " [n] [focus_regex]* [-ignore_regex]* [-cum] [>file]\nAt most n entries; " name \
         "10 works as well.\n" FILTERS "\n-cum sorts by weight including callees."
#define DRAWN "\nDrawn by dot, of the package graphviz."
#define ASSEMBLY "\nNeeds the binary and, for its instructions, objdump, of the package binutils."

static const char *const browsers[] = {"browser", "$BROWSER", "chrome", "google-chrome", "chromium",
    "firefox", "sensible-browser", "desktop:xdg-open", NULL};
static const char *const eog[] = {"eog", "eog", NULL};
static const char *const evince[] = {"evince", "evince", NULL};
static const char *const gv[] = {"gv", "gv --noantialias", NULL};
static const char *const kcachegrind[] = {"kcachegrind", "kcachegrind", NULL};

/* name, format, has_pattern, draw, extension, viewers, summary, usage */
const struct command commands[] = {
    {"callgrind", REPORT_CALLGRIND, false, NULL, "callgraph.out", NULL,
        "Write the call graph for KCachegrind", GRAPH_USAGE("callgrind")},
    {"comments", REPORT_COMMENTS, false, NULL, NULL, NULL, "Print the profile's comments",
        "comments [>file]"},
    {"csv", REPORT_CSV, false, NULL, NULL, NULL, "Print the top entries as CSV, in exact numbers",
        TOP_USAGE("csv")},
    {"disasm", REPORT_DISASM, true, NULL, NULL, NULL,
        "Print the instructions of functions matching regexp, with what each costs",
        LIST_USAGE("disasm") ASSEMBLY},
    {"dot", REPORT_DOT, false, NULL, NULL, NULL, "Print the call graph for Graphviz", GRAPH_USAGE("dot")},
    {"eog", REPORT_DOT, false, "svg", "svg", eog, "Show the call graph in eog", GRAPH_USAGE("eog") DRAWN},
    {"evince", REPORT_DOT, false, "pdf", "pdf", evince, "Show the call graph in evince",
        GRAPH_USAGE("evince") DRAWN},
    {"flame", REPORT_FLAME, false, NULL, NULL, NULL, "Draw a flame graph in the terminal, the root on top",
        "flame [rows] [focus_regex]* [-ignore_regex]* [>file]\nA box as wide as its share, as wide as the "
        "terminal in all. "
        "At most so many rows.\n" FILTERS},
    {"folded", REPORT_FOLDED, false, NULL, NULL, NULL,
        "Print every stack on a line, for flamegraph.pl and speedscope",
        "folded [focus_regex]* [-ignore_regex]* [>file]\nroot;...;leaf and the value, in the sample type's "
        "unit.\n" FILTERS},
    {"gif", REPORT_DOT, false, "gif", "gif", NULL, "Draw the call graph as GIF", GRAPH_USAGE("gif") DRAWN},
    {"growth", REPORT_GROWTH, false, NULL, NULL, NULL,
        "Print what grew and what shrank most since -diff_base", TOP_USAGE("growth")},
    {"gv", REPORT_DOT, false, "ps", "ps", gv, "Show the call graph in gv", GRAPH_USAGE("gv") DRAWN},
    {"jpg", REPORT_DOT, false, "jpg", "jpg", NULL, "Draw the call graph as JPEG", GRAPH_USAGE("jpg") DRAWN},
    {"json", REPORT_JSON, false, NULL, NULL, NULL, "Print the top entries as JSON, in exact numbers",
        TOP_USAGE("json")},
    {"kcachegrind", REPORT_CALLGRIND, false, NULL, "grind", kcachegrind, "Show the call graph in KCachegrind",
        GRAPH_USAGE("kcachegrind")},
    {"list", REPORT_LIST, true, NULL, NULL, NULL,
        "Print the source of functions matching regexp, with what each line costs", LIST_USAGE("list")},
    {"pdf", REPORT_DOT, false, "pdf", "pdf", NULL, "Draw the call graph as PDF", GRAPH_USAGE("pdf") DRAWN},
    {"peek", REPORT_PEEK, true, NULL, NULL, NULL, "Print callers and callees of functions matching regexp",
        "peek func_regex [focus_regex]* [-ignore_regex]* [>file]\n" FILTERS},
    {"png", REPORT_DOT, false, "png", "png", NULL, "Draw the call graph as PNG", GRAPH_USAGE("png") DRAWN},
    {"proto", REPORT_PROTO, false, NULL, "pb.gz", NULL, "Write the profile, filtered, as profile.proto",
        "proto [>file]"},
    {"ps", REPORT_DOT, false, "ps", "ps", NULL, "Draw the call graph as PostScript", GRAPH_USAGE("ps") DRAWN},
    {"raw", REPORT_RAW, false, NULL, NULL, NULL, "Print everything the profile holds", "raw [>file]"},
    {"svg", REPORT_DOT, false, "svg", "svg", NULL, "Draw the call graph as SVG", GRAPH_USAGE("svg") DRAWN},
    {"tags", REPORT_TAGS, false, NULL, NULL, NULL, "Print all tags with their weight",
        "tags [tag_regex]* [-ignore_regex]* [>file]\nOnly tags key:value matching tag_regex, and none "
        "matching ignore_regex."},
    {"text", REPORT_TEXT, false, NULL, NULL, NULL, "Print the top entries", TOP_USAGE("text")},
    {"top", REPORT_TEXT, false, NULL, NULL, NULL, "Print the top entries", TOP_USAGE("top")},
    {"topproto", REPORT_TOPPROTO, false, NULL, "pb.gz", NULL, "Write the top entries as profile.proto",
        "topproto [>file]"},
    {"traces", REPORT_TRACES, false, NULL, NULL, NULL, "Print every sample with its stack", "traces [>file]"},
    {"tree", REPORT_TREE, false, NULL, NULL, NULL, "Print each entry between its callers and callees",
        TOP_USAGE("tree")},
    {"web", REPORT_DOT, false, "svg", "svg", browsers, "Show the call graph in a browser",
        GRAPH_USAGE("web") DRAWN},
    {"weblist", REPORT_WEBLIST, true, NULL, "html", browsers,
        "Show source and instructions of functions matching regexp in a browser",
        LIST_USAGE("weblist") ASSEMBLY "\nweblist func_regex >file keeps the page."},
};

const unsigned n_commands = sizeof commands / sizeof *commands;

const struct command *command_find(const char *name)
{
    for (unsigned i = 0; i < n_commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_summary(const char *prefix, const char *name, const char *summary, struct buf *out)
{
    char dashed[40];
    snprintf(dashed, sizeof dashed, "%s%s", prefix, name);
    buf_printf(out, "    %-20s %.*s\n", dashed, (int)strcspn(summary, "\n"), summary);
}

void commands_print_usage(bool command_line, struct buf *out)
{
    const char *dash = command_line ? "-" : "";
    buf_puts(out, command_line ? "  Output formats (at most one):\n" : "  Commands:\n");
    for (unsigned i = 0; i < n_commands; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s", commands[i].name,
            commands[i].has_pattern ? command_line ? "=regexp" : " regexp" : "");
        print_summary(dash, name, commands[i].summary, out);
    }
    if (!command_line) {
        print_summary("", "o, options", "List the options and their values", out);
        print_summary("", "help [name]", "This list, or help on one command or option", out);
        print_summary("", "q, quit, exit, ^D", "Leave", out);
        print_summary("", "COMMAND -option=value", "The option for this command alone", out);
        print_summary("", "COMMAND | PROGRAM", "The report as the program's input", out);
        print_summary("", ":", "Clear focus, ignore, hide, tagfocus and tagignore", out);
    }
    buf_puts(out, command_line ? "\n  Options:\n" : "\n  Options (set with name=value):\n");
    for (unsigned i = 0; i < n_variables; i++)
        if (!variables[i].choices)
            print_summary(dash, variables[i].name, variables[i].help, out);
    buf_puts(out, "\n  Option groups (one of each):\n");
    for (unsigned i = 0; i < n_variables; i++) {
        for (int k = 0; variables[i].choices && variables[i].choices[k].name; k++) {
            if (k == 0)
                buf_printf(out, "    %s\n", variables[i].name);
            print_summary(
                command_line ? "  -" : "  ", variables[i].choices[k].name, variables[i].choices[k].help, out);
        }
    }
}

static void print_indented(const char *text, struct buf *out)
{
    while (*text) {
        const char *end = strchrnul(text, '\n');
        buf_printf(out, "    %.*s\n", (int)(end - text), text);
        text = *end ? end + 1 : end;
    }
}

bool commands_print_help(const char *name, struct buf *out)
{
    const struct command *c = command_find(name);
    int choice;
    if (c) {
        buf_printf(out, "%s\n  Usage:\n", c->summary);
        print_indented(c->usage, out);
        return true;
    }
    const struct variable *v = variable_find(name, &choice);
    if (v)
        buf_printf(out, "%s\n", choice >= 0 ? v->choices[choice].help : v->help);
    return v != NULL;
}
