#ifndef LESSON9_PARTNERS_H
#define LESSON9_PARTNERS_H

#include "common/neighbour.h"

#include <stdint.h>

/*
 * Those whom the server of lesson 9 works with: the partner who quotes, the one who confirms, and the
 * archive, in a process of their own (neighbour.h). Then what it has to do itself: the texts, and examining
 * them.
 */

/* What the process does, as a neighbour_answer. */
long partners_answer(const char *line, char *answer, size_t size);

/* As incident_config has them; the closure is the neighbour. */
void partners_confirm(void *neighbour, uint64_t number, const char *client);
uint32_t partners_quote(void *neighbour, const char *client, uint32_t base);
void partners_archive(void *neighbour, const char *line);
uint32_t partners_examine(void *neighbour, const char *client, const char *text);

/* Texts of some thousand words each, which clients send. */
bool texts_init(void); /* false when memory runs out */
void texts_fini(void);
const char *text_of(const char *client);

#endif
