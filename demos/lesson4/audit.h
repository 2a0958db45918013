#ifndef LESSON4_AUDIT_H
#define LESSON4_AUDIT_H

#include "common/neighbour.h"

/*
 * The log of refusals. It lies with an auditor, a service of its own, so that nobody can say later that a
 * line was added or taken away. The auditor confirms a line when it has it on disk, which takes its time.
 */

/* What the auditor does, as a neighbour_answer. */
long audit_answer(const char *line, char *answer, size_t size);

/* Writes a line, "...\n", and returns when it is confirmed. Any number of threads at once. */
void audit_append(void *neighbour, const char *line, size_t len);

#endif
