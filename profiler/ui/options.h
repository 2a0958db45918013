#ifndef UI_OPTIONS_H
#define UI_OPTIONS_H

#include "base/vec.h"
#include "ui/commands.h"
#include "view/limit.h"

/*
 * The command line: options first (-x, --x, -x=v, -x v), then sources. Strings point into argv or into the
 * settings.
 */
struct options {
    struct settings settings;
    const struct command *command; /* NULL: the shell */
    const char *pattern;           /* of list and peek */
    VEC(const char *) sources, bases;
    const char *exec_name, *build_id; /* of the first mapping; NULL as recorded */
    bool diff_base, all_frames, triage, help, version;
    int seconds, timeout_s; /* -1: not given */
    const char *symbolize, *comment, *tools;
    const char *token, *tls_cert, *tls_key, *tls_ca; /* "" when not given */
    VEC(struct limit) limits;                        /* of -fail_if */
    struct buf warnings;                             /* lines for the user */
};

/* ERR_INVALID with one line that says what to type instead. Caller calls options_fini in any case. */
int options_parse(struct options *o, int argc, char **argv, struct error *error);
void options_fini(struct options *o);

/* The whole of -help. */
void options_print_usage(struct buf *out);

#endif
