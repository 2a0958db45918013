/*
 * A box office of the theatre, one of ten: a customer comes every five milliseconds, and two counters
 * sell. It knows nothing of profiling; start.sh preloads libcprof.so into it.
 *
 *     office [SOLD]      how many codes are on the list of those sold already (1,000)
 *
 * Before a ticket is issued its code is looked for on that list, which a job at night makes short again.
 */
#include "lesson8/ticket.h"

#include "base/hash.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COUNTERS = 2, MS = 1000000, EVERY_MS = 5 };

static uint64_t *sold;
static size_t nsold = 1000;

/* What the optimizer must not take out of the stacks. */
__attribute__((noinline)) static bool is_sold(uint64_t code)
{
    for (size_t i = 0; i < nsold; i++)
        if (sold[i] == code)
            return true;
    return false;
}

__attribute__((noinline)) static void sell(uint64_t number)
{
    char code[40];
    snprintf(code, sizeof code, "box-%llu", (unsigned long long)number);
    if (!is_sold(hash_bytes(code, strlen(code))))
        free(ticket_new("not-for-production", code));
}

static sem_t customers;
static atomic_uint_fast64_t served;

static void *counter(void *unused)
{
    while (sem_wait(&customers) == 0 || errno == EINTR)
        sell(atomic_fetch_add(&served, 1));
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[COUNTERS];
    if (argc > 1)
        nsold = strtoul(argv[1], NULL, 10);
    sold = calloc(nsold + 1, sizeof *sold);
    if (!sold) {
        fprintf(stderr, "office: out of memory\n");
        return 1;
    }
    for (size_t i = 0; i < nsold; i++)
        sold[i] = hash_u64(i);
    sem_init(&customers, 0, 0);
    for (int i = 0; i < COUNTERS; i++)
        if (pthread_create(&threads[i], NULL, counter, NULL) != 0)
            return 1;
    while (nanosleep(&(struct timespec){.tv_nsec = EVERY_MS * MS}, NULL) == 0 || errno == EINTR)
        sem_post(&customers);
    return 0;
}
