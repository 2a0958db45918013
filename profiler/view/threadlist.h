#ifndef VIEW_THREADLIST_H
#define VIEW_THREADLIST_H

#include "base/buf.h"
#include "base/table.h"
#include "model/profile.h"

/*
 * Threads one by one: what ?debug=2 of a C or a Go server says of each, with equal stacks kept once.
 *
 *     thread 4711 [mutex wait, for 33 ms, on 0x5601, held by 4712 "holder", name "worker", cpu 32 ms]:
 *     goroutine 18 [semacquire, 3 minutes]:
 *     function(...)
 *     \tfile:line +0xOFFSET
 *
 * Words within the brackets that are not known are passed over, and so are lines outside of a thread. Without
 * such a text the samples of a thread profile are threads of which no more is known than whether they wait
 * for a lock. Pure. Not thread-safe.
 */
struct threadlist_thread {
    int64_t id;                          /* 0: not known */
    int64_t count;                       /* 1; of a profile how many are alike */
    const char *state, *waits_on, *name; /* "" where there is none */
    int64_t holder;                      /* the thread it waits for, 0: nobody, or not known */
    int64_t waiting_ns, cpu_ns;          /* -1: not known */
    uint32_t stack;
};

struct threadlist_frame {
    const char *name, *place; /* "FILE:LINE", "" */
};

struct threadlist_stack {
    uint32_t first, count; /* in frames, leaf first */
    uint32_t owner;        /* the innermost that is the program's own (machinery.h); NO_INDEX: no frame */
};

struct threadlist {
    struct intern *strings;
    VEC(struct threadlist_thread) threads;
    VEC(struct threadlist_stack) stacks;
    VEC(struct threadlist_frame) frames;
    struct table table; /* of stacks */
    bool is_dump;
};

/* text ends in a NUL, which len does not count. ERR_NOTFOUND when there is no thread in it, ERR_NOMEM.
 * threadlist_fini in any case, of these. */
int threadlist_read_dump(struct threadlist *l, const char *text, size_t len);
int threadlist_read_profile(struct threadlist *l, const struct profile *threads);
void threadlist_fini(struct threadlist *l);

/* Appends {"dump":true,"threads":[[id,state,waiting_ns,waits_on,holder,name,cpu_ns,stack,count],...],
 * "stacks":[[owner,[[name,place],...]],...]}; an owner that is not there is -1. */
void threadlist_put(const struct threadlist *l, struct buf *out);

#endif
