#ifndef EXERCISES_MODULE_H
#define EXERCISES_MODULE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A module under test, loaded from a shared object so that several fit in one process: the flawed original,
 * the one to check, and that once more with its work counted (counted.h). The Makefile builds each from
 * DIR/NAME.c as .build/modules/DIR/NAME.so and .counted.so; a check program gets the paths without these
 * endings,
 *
 *     .build/checks/lessonN TITLE FLAWED MODULE [FLAWED MODULE]...      a pair for each of the lesson's
 * modules
 *
 * What a module calls of others it finds in the check program, by USES_N in the Makefile.
 */

/*
 * Fills `functions`, a struct of function pointers and nothing else, with the functions of these names, the
 * last of which is NULL. `ending` is ".so" or ".counted.so". False, with a line on standard error, when it
 * cannot be loaded or lacks a function.
 */
bool module_load(void *functions, const char *const *names, const char *stem, const char *ending);

/*
 * Around each call into a module: the watchdog can then say which calls never came back (verdict.h), and
 * the wall minus CPU time that the calling thread has spent inside is summed up: waiting, for whatever kind
 * of lock. Only calls count in which it gave up the processor of its own accord: one that was just pushed
 * aside by others, as on a busy machine, waited for nothing.
 */
void module_enter(const char *function);
void module_leave(void);
int64_t module_waited_ns(void); /* of the calling thread */

#endif
