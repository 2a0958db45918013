#ifndef TESTS_STEPS_H
#define TESTS_STEPS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Runs a function one instruction at a time and compares, after each, the stack that the profiler finds with
 * what two others say:
 *
 *     libgcc   _Unwind_Backtrace: slow, general, another's, from the same call frame information
 *     calls    the return addresses that calls pushed and nobody has popped yet, kept from the steps
 * themselves: the truth, also where the information is wrong, but only from the first step on
 *
 * The stepper is a process of its own in the same memory (clone with CLONE_VM), so that it may stop a thread
 * wherever it is, in the kernel's sight alone: with signals blocked, in a handler, inside the loader.
 */

enum { STEPS_DIFFERENCES = 256 };

struct steps_difference {
    uintptr_t at; /* the instruction */
    long times;   /* how often there */
    bool on_the_way;
    int calls_frame;              /* the first frame that the calls have otherwise, -1: none */
    int libgcc_frame;             /* the first that libgcc has otherwise */
    uintptr_t ours, libgcc, call; /* what each has in the first of these; 0: nothing */
};

struct steps_report {
    long instructions; /* all compared; of one repeated in place (rep movs) the first */
    long wrong;        /* where ours is neither as the calls are nor as libgcc's */
    long on_the_way;   /* where ours is not as the calls are, but as libgcc's, or a throw is half done */
    long libgcc_wrong; /* where libgcc's is not as the calls are */
    long deepest;
    int threads;      /* that were stepped */
    int ndifferences; /* places kept */
    struct steps_difference differences[STEPS_DIFFERENCES];
};

/* work(arg) in the calling thread; threads that it creates are stepped, too. After max instructions it goes
 * on unobserved. 0, or a negative errno when this machine does not let processes trace their parents: then
 * work did not run. */
int steps_run(void (*work)(void *arg), void *arg, long max, struct steps_report *out);

/* From within work: the profiler's tables are brought up to date, as its own thread does now and then. */
void steps_refresh(void);

#endif
