#ifndef UI_TRIAGE_RUN_H
#define UI_TRIAGE_RUN_H

#include "ui/options.h"

#include <signal.h>

/*
 * pprof -triage: collects from the URL that is o's only source and says where the folder is, or opens the
 * folder that it names; then reports, as -output says, else to standard output. ERR_CANCELLED after the
 * report on what had come when *cancel became non-zero.
 */
int triage_run(const struct options *o, const volatile sig_atomic_t *cancel, struct error *error);

#endif
