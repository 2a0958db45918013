#include "ui/commands.h"

#include "ui/output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILTERS "Only samples matching focus_regex, and none matching ignore_regex."

const struct command commands[] = {
    {"callgrind", REPORT_CALLGRIND, false, true, "callgrind", "Write the call graph for KCachegrind",
        "callgrind [focus_regex]* [-ignore_regex]* [>file]\n" FILTERS},
    {"comments", REPORT_COMMENTS, false, false, NULL, "Print the profile's comments", "comments"},
    {"dot", REPORT_DOT, false, false, NULL, "Print the call graph for Graphviz",
        "dot [n] [focus_regex]* [-ignore_regex]* [>file]\nAt most n nodes.\n" FILTERS},
    {"list", REPORT_LIST, true, false, NULL,
        "Print the source of functions matching regexp, with what each line costs",
        "list func_regex [focus_regex]* [-ignore_regex]* [>file]\n" FILTERS},
    {"peek", REPORT_PEEK, true, false, NULL, "Print callers and callees of functions matching regexp",
        "peek func_regex [focus_regex]* [-ignore_regex]* [>file]\n" FILTERS},
    {"proto", REPORT_PROTO, false, true, "pb.gz", "Write the profile, filtered, as profile.proto",
        "proto [>file]"},
    {"raw", REPORT_RAW, false, false, NULL, "Print everything the profile holds", "raw [>file]"},
    {"tags", REPORT_TAGS, false, false, NULL, "Print all tags with their weight",
        "tags [tag_regex]* [-ignore_regex]* [>file]\nOnly tags key:value matching tag_regex, and none "
        "matching ignore_regex."},
    {"text", REPORT_TEXT, false, false, NULL, "Print the top entries",
        "text [n] [focus_regex]* [-ignore_regex]* [-cum] [>file]\nAt most n entries.\n" FILTERS
        "\n-cum sorts by weight including callees."},
    {"top", REPORT_TEXT, false, false, NULL, "Print the top entries",
        "top [n] [focus_regex]* [-ignore_regex]* [-cum] [>file]\nAt most n entries; top10 works as "
        "well.\n" FILTERS "\n-cum sorts by weight including callees."},
    {"topproto", REPORT_TOPPROTO, false, true, "pb.gz", "Write the top entries as profile.proto",
        "topproto [>file]"},
    {"traces", REPORT_TRACES, false, false, NULL, "Print every sample with its stack", "traces [>file]"},
    {"tree", REPORT_TREE, false, false, NULL, "Print each entry between its callers and callees",
        "tree [n] [focus_regex]* [-ignore_regex]* [-cum] [>file]\nAt most n entries.\n" FILTERS
        "\n-cum sorts by weight including callees."},
};

const unsigned n_commands = sizeof commands / sizeof *commands;

const struct command *command_find(const char *name)
{
    for (unsigned i = 0; i < n_commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int command_run(const struct profile *p, const struct command *command, const char *pattern,
    const struct config *c, bool on_screen, const volatile sig_atomic_t *cancel, struct error *error)
{
    struct report_request request = {
        .format = command->format, .pattern = pattern, .config = *c, .cancel = cancel};
    struct buf out = {0}, notes = {0};
    int code = report_generate(p, &request, &out, &notes, error);
    if (notes.data)
        fputs(notes.data, stderr);
    if (!code && *c->output)
        code = output_write_file(c->output, &out, error);
    else if (!code && command->binary && on_screen)
        code = output_write_new_file("profile", command->extension, &out, error);
    else if (!code)
        code = output_write_stdout(&out, error);
    buf_fini(&out);
    buf_fini(&notes);
    return code;
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
