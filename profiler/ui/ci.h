#ifndef UI_CI_H
#define UI_CI_H

#include "ui/options.h"

#include <stdio.h>

/* Measures the limits of -fail_if, and prints a line for each into `into`. *passed when one of them holds
 * that is not to. ERR_INVALID for a unit that the profile has not, with its position. */
int ci_check(const struct profile *p, struct options *o, FILE *into, bool *passed, struct error *error);

#endif
