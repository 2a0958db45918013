#ifndef SYMBOL_EFFORT_H
#define SYMBOL_EFFORT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What reading may cost: memory, and time by the clock on the wall, since that is what somebody waits. On a
 * busy machine less is read in it. `struct effort e = {0};` is without bounds.
 */
struct effort {
    uint64_t max_bytes;          /* 0: any */
    int64_t max_ns, deadline_ns; /* 0: any */
    bool over;                   /* no time is left; never taken back */
    bool starved;                /* the process had no memory or no descriptor; never taken back */
};

/* Why an answer is less than the files have. */
enum effort_end {
    EFFORT_DONE,         /* it is not */
    EFFORT_TOO_LARGE,    /* more would take more memory */
    EFFORT_TOO_LONG,     /* more would take more time */
    EFFORT_FILE_CHANGED, /* somebody wrote to the file meanwhile */
    EFFORT_STARVED,      /* the process had no memory, or no descriptor */
    EFFORT_ENDS
};

/* The time begins now. */
void effort_begin(struct effort *e, int64_t max_ns, uint64_t max_bytes);

/* Whether there is time left; costs tens of nanoseconds. */
bool effort_left(struct effort *e);

/* Whether at least half of it is left. */
bool effort_is_early(const struct effort *e);

/* Notes it when errno says that memory or descriptors ran out, and makes errno 0. That libelf and libdw had
 * none they say in many ways, or not at all, and then answer less than the file has. */
void effort_note_errno(struct effort *e);

#endif
