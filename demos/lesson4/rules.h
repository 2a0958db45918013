#ifndef LESSON4_RULES_H
#define LESSON4_RULES_H

#include <stdbool.h>

/*
 * Who may ask how often. The service as a whole has RULES_SHARED limits, each on what came in the last hour
 * (from a region, on a plan, over an entrance); a client has a limit of its own a minute, by its plan.
 */
struct rules;

enum { RULES_SHARED = 60 };

struct rules *rules_new(void); /* NULL when memory runs out */
void rules_free(struct rules *rules);

/* Whether the client may have its request now; counts it if so. Any thread. */
bool rules_allow(struct rules *rules, const char *client);

#endif
