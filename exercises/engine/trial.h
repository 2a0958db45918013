#ifndef EXERCISES_TRIAL_H
#define EXERCISES_TRIAL_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What checks try a module with: chance that repeats, a clock they set, a rendezvous, and a median. */

/* The next of a sequence of numbers that is the same on every machine; *state is any number but 0. */
uint32_t trial_random(uint32_t *state);

/* A clock that stands still but for these; any thread may ask. It starts far from 0. */
void trial_clock_set(uint64_t ms);
void trial_clock_advance(uint64_t ms);
uint64_t trial_clock_ms(void);

/* Waits for the semaphore, `seconds` at most: false then. */
bool trial_wait(sem_t *sem, int seconds);

/*
 * What threads wait in a module, against the flawed one. `waited_ms` is one round with either. Rounds take
 * turns, so that whatever else the machine does hits both alike; and as what it does to one that holds a lock
 * only adds to waiting, the second best of the rounds counts: there are no more once two are within
 * share_max.
 */
struct trial_waiting {
    double mine_ms, flawed_ms, share;
    int rounds; /* that there were */
};
enum { TRIAL_WAITING_ROUNDS = 10 };
struct trial_waiting trial_waiting(
    double (*waited_ms)(const void *module), const void *flawed, const void *mine, double share_max);

#endif
