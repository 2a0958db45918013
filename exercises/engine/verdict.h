#ifndef EXERCISES_VERDICT_H
#define EXERCISES_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What a lesson's checks share: each runs in a forked child of Check under a watchdog, and ends in a verdict
 * that says what was measured, what is allowed, and which profile shows it.
 */
struct verdict_case {
    const char *name;  /* as `make checkN` prints it */
    void (*run)(void); /* calls verdict() at least once */
    const char *shows; /* which profile shows it */
    const char *look;  /* the command to look */
};

/*
 * The case's outcome: once with ok false ends it. Both texts are whole phrases: "1,001 entries after 1,001
 * operations" and "at most 1,000". Of several passing verdicts in a case the last is the one shown.
 */
void verdict(bool ok, const char *allowed, const char *measured, ...) __attribute__((format(printf, 3, 4)));

/* Around each call into the module, so that the watchdog can say which calls never came back. */
void verdict_enter(const char *function);
void verdict_leave(void);

/*
 * Runs the cases with a watchdog each and prints a verdict for each: `title` first, then a line for a case
 * that passes and a few for one that fails. Returns how many failed. Environment: VERDICT_TERSE=1 prints
 * just "ok NAME" and "FAIL NAME" lines, for scripts; VERDICT_ONLY=NAME runs that one;
 * VERDICT_WATCHDOG_S=N gives each another watchdog.
 */
int verdict_run(
    const char *title, const struct verdict_case *cases, size_t ncases, unsigned watchdog_seconds);

#endif
