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

/* Where a long report goes while it is being made. */
struct stream {
    const char *file; /* "" is standard output */
    int fd;           /* of the file, -1 until something was written */
};

/* Only what is written as it is can go before all of it is there. */
static bool can_stream(const struct production *what)
{
    const struct command *c = what->command;
    return *what->config->output ? !c->draw : !what->pipe && !c->viewers && !c->extension;
}

static int write_on(void *context, struct buf *out, struct error *error)
{
    struct stream *s = context;
    int code = 0;
    if (out->failed)
        return 0; /* which is told at the end */
    if (*s->file && s->fd < 0)
        code = output_open_file(s->file, &s->fd, error);
    if (!code)
        code = *s->file ? output_append(s->fd, s->file, out, error) : output_write_stdout(out, error);
    out->len = 0;
    return code;
}

static int put(
    const struct production *what, struct stream *stream, const struct buf *out, struct error *error)
{
    const struct command *c = what->command;
    if (stream->fd >= 0) {
        int fd = stream->fd;
        stream->fd = -1;
        return output_finish_file(fd, stream->file, out, error);
    }
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
    struct stream stream = {.file = what->config->output, .fd = -1};
    if (can_stream(what)) {
        request.spill = write_on;
        request.spill_context = &stream;
    }
    struct buf report = {0}, picture = {0}, notes = {0};
    int code = report_generate(p, &request, &report, &notes, error);
    if (notes.data)
        output_say(notes.data, notes.len);
    if (!code && what->command->draw)
        code = graphviz_draw(what->command->draw, &report, &picture, what->cancel, error);
    if (!code)
        code = put(what, &stream, what->command->draw ? &picture : &report, error);
    if (stream.fd >= 0)
        close(stream.fd);
    objdump_fini(&objdump);
    buf_fini(&report);
    buf_fini(&picture);
    buf_fini(&notes);
    return code;
}
