/*
 * For other designs that put something around what the reference does, or in the place of what it calls. Its
 * names are those of the case that was begun; the contract's are the same in all, and a design that renames
 * one of them, and then includes the reference, has it as reference_...
 */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "lesson9/incident.h"

struct incident *reference_new(const struct incident_config *config);
void reference_free(struct incident *incident);
char *reference_handle(struct incident *incident, const char *client, const char *text);
void reference_refresh(struct incident *incident, uint32_t base);
void reference_stats(struct incident *incident, struct incident_figures *out);
