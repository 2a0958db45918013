#include "ui/produce.h"

#include "ui/disassembler.h"
#include "ui/graphviz.h"
#include "ui/output.h"
#include "ui/terminal.h"
#include "ui/viewer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A reader may leave early: head, less. */
static int write_to_pipe(const char *command, const struct buf *text, struct error *error)
{
    fflush(stdout);
    FILE *reader = popen(command, "w");
    if (!reader)
        return error_set(error, ERR_IO, "%s: %s", command, strerror(errno));
    fwrite(text->data ? text->data : "", 1, text->len, reader);
    pclose(reader);
    return 0;
}

static int put(const struct production *what, const struct buf *out, struct error *error)
{
    const struct command *c = what->command;
    if (*what->config->output)
        return output_write_file(what->config->output, out, error);
    if (what->pipe)
        return write_to_pipe(what->pipe, out, error);
    if (c->viewers)
        return viewer_show(out, c->extension, c->viewers, !what->in_shell, what->cancel, error);
    if (c->extension && (what->on_screen || what->in_shell))
        return output_write_new_file("profile", c->extension, out, error);
    return output_write_stdout(out, error);
}

int produce(const struct profile *p, const struct production *what, struct error *error)
{
    struct objdump objdump;
    struct disassembler disassembler = objdump_disassembler(&objdump, what->tools, what->cancel);
    bool to_screen = !*what->config->output && !what->pipe && isatty(STDOUT_FILENO);
    struct report_request request = {.format = what->command->format,
        .screen = {.width = terminal_width(to_screen), .colour = to_screen && terminal_has_colour()},
        .pattern = what->pattern,
        .config = *what->config,
        .disassembler = &disassembler,
        .cancel = what->cancel};
    struct buf report = {0}, picture = {0}, notes = {0};
    int code = report_generate(p, &request, &report, &notes, error);
    if (notes.data)
        fputs(notes.data, stderr);
    if (!code && what->command->draw)
        code = graphviz_draw(what->command->draw, &report, &picture, what->cancel, error);
    if (!code)
        code = put(what, what->command->draw ? &picture : &report, error);
    objdump_fini(&objdump);
    buf_fini(&report);
    buf_fini(&picture);
    buf_fini(&notes);
    return code;
}
