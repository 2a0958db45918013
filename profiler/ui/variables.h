#ifndef UI_VARIABLES_H
#define UI_VARIABLES_H

#include "base/buf.h"
#include "base/error.h"
#include "base/intern.h"
#include "view/report_config.h"

/*
 * The settings of a report by name. One table makes the command line's options, the shell's assignments and
 * completion, and the help of both.
 */
enum variable_kind { VARIABLE_BOOL, VARIABLE_INT, VARIABLE_FLOAT, VARIABLE_STRING, VARIABLE_CHOICE };

struct variable_choice {
    const char *name, *help;
};

struct variable {
    const char *name;
    enum variable_kind kind;
    unsigned offset;  /* in struct config */
    const char *help; /* the first line is the summary */
    const struct variable_choice
        *choices; /* of VARIABLE_CHOICE, in the order of their values; NULL name ends */
};

/* The config in force, with the strings that were set. */
struct settings {
    struct config config;
    struct intern *strings;
};

int settings_init(struct settings *s); /* ERR_NOMEM */
void settings_fini(struct settings *s);

extern const struct variable variables[];
extern const unsigned n_variables;

/* The variable called name, or, through *choice (an index, else -1), the one that has a choice of that name.
 */
const struct variable *variable_find(const char *name, int *choice);

/* True for those that need no value: booleans, and choices under their own name. */
bool variable_is_switch(const struct variable *v, int choice);

/* Sets it from text. With a choice of its own name, text says yes. ERR_INVALID, ERR_NOMEM. */
int variable_set(
    struct settings *s, const struct variable *v, int choice, const char *text, struct error *error);

void variable_print(const struct config *c, const struct variable *v, struct buf *out);

/* "true", "t", "yes", "y", "1", "" and their opposites. False when it is neither. */
bool parse_bool(const char *text, bool *value);

#endif
