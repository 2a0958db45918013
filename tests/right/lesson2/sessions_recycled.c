/* Another design that is right: who logs out leaves the session to the next who logs in. */
#include <stddef.h>
struct session;
static void recycle(struct session *s);
static void *recycled(size_t n, size_t size);
#define FREE_SESSION(s) recycle(s)
#define sessions_free sessions_free_active
#include <pthread.h>
#include <stdlib.h>
static void *plain_calloc(size_t n, size_t size)
{
    return calloc(n, size);
}
#undef calloc
#define calloc recycled
#include "../../wrong/lesson2/almost_session.h"
#undef sessions_free

void sessions_free(struct sessions *all);

static struct session *idle; /* guarded by the lock of the one table there is at a time */

static void recycle(struct session *s)
{
    for (size_t i = 0; i < s->npages; i++)
        free(s->pages[i]);
    s->npages = 0;
    free(s->settings);
    free(s->token);
    s->next = idle;
    idle = s;
}

static void *recycled(size_t n, size_t size)
{
    struct session *s = idle;
    if (size != sizeof *s || !s)
        return plain_calloc(n, size);
    idle = s->next;
    return s;
}

void sessions_free(struct sessions *all)
{
    for (struct session *s = idle, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    idle = NULL;
    sessions_free_active(all);
}
