#include "export/deadlock.h"

/*
 * A thread waits for one other at most. So one walks from each along who it waits for, until there is nobody,
 * or somebody met before: on this walk, and that closes a ring; or on an earlier one, and what that led to is
 * what this one leads to.
 */

enum { NOBODY = -1 };

struct node {
    int32_t next; /* the thread it waits for, or NOBODY */
    int32_t walk; /* the walk that met it first, or NOBODY */
    int32_t ring; /* the ring it is in or leads to, or NOBODY */
};

static int32_t waits_for(const struct threads_snapshot *s, const struct thread_info *t)
{
    const struct thread_info *holder = t->still_waits ? threads_find(s, t->holder) : NULL;
    return holder ? (int32_t)(holder - s->threads.items) : NOBODY;
}

static int add_ring(const struct node *nodes, int32_t start, struct deadlocks *out)
{
    struct deadlock ring = {.first = (uint32_t)out->members.len};
    int32_t at = start;
    do {
        if (!vec_push(&out->members, (uint32_t)at))
            return ERR_NOMEM;
        ring.count++;
        at = nodes[at].next;
    } while (at != start);
    return vec_push(&out->rings, ring) ? 0 : ERR_NOMEM;
}

static int walk_from(struct node *nodes, int32_t start, struct deadlocks *out)
{
    int32_t at = start, steps = 0;
    for (; at != NOBODY && nodes[at].walk == NOBODY; at = nodes[at].next, steps++)
        nodes[at].walk = start;
    int32_t ring = at == NOBODY ? NOBODY : nodes[at].ring;
    if (at != NOBODY && nodes[at].walk == start) {
        int r = add_ring(nodes, at, out);
        if (r)
            return r;
        ring = (int32_t)out->rings.len - 1;
        steps -= (int32_t)out->rings.items[ring].count;
    }
    if (ring != NOBODY)
        out->rings.items[ring].behind += (uint32_t)steps;
    for (at = start; at != NOBODY && nodes[at].walk == start && nodes[at].ring != ring; at = nodes[at].next)
        nodes[at].ring = ring;
    return 0;
}

int deadlocks_find(const struct threads_snapshot *threads, struct deadlocks *out)
{
    struct deadlocks found = {0};
    size_t n = threads->threads.len;
    struct node *nodes = malloc((n ? n : 1) * sizeof *nodes);
    if (!nodes)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        nodes[i] = (struct node){waits_for(threads, &threads->threads.items[i]), NOBODY, NOBODY};
    int r = 0;
    for (size_t i = 0; i < n && !r; i++)
        if (nodes[i].walk == NOBODY)
            r = walk_from(nodes, (int32_t)i, &found);
    free(nodes);
    if (r)
        deadlocks_fini(&found);
    else
        *out = found;
    return r;
}

void deadlocks_fini(struct deadlocks *d)
{
    vec_fini(&d->rings);
    vec_fini(&d->members);
}
