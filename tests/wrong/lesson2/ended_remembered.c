/* fails: live_bytes_flat */
/* Given back at the very end, and kept until then: no leak for a leak checker, and a process that grows. */
#include <stddef.h>
struct session;
static void remember(struct session *s);
#define FREE_SESSION(s) remember(s)
#define sessions_free sessions_free_active
#include "almost_session.h"
#undef sessions_free

void sessions_free(struct sessions *all);

static struct session *ended;

static void remember(struct session *s)
{
    s->next = ended;
    ended = s;
}

void sessions_free(struct sessions *all)
{
    for (struct session *s = ended, *next; s; s = next) {
        next = s->next;
        session_free(s);
    }
    ended = NULL;
    sessions_free_active(all);
}
