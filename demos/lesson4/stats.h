#ifndef LESSON4_STATS_H
#define LESSON4_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the server knows of its clients: how often each has asked and was refused, and the totals. Each
 * refusal also goes to the log, as a line.
 *
 * Every function may be called from any thread at any time, stats_free apart; but for one and the same
 * client, one call comes after the other. No call waits for a line that another thread's call has to write.
 */
struct stats;

enum {
    STATS_CLIENT_MAX = 64,  /* bytes of a client's name, with its end */
    STATS_LINES_MAX = 1000, /* refusals whose line is not in the log yet; with so many, callers wait */
};

struct stats_config {
    /* Writes a line, which ends in '\n', to the log. It may take long, any number of threads may be in it at
     * once, and no line is torn by another. */
    void (*append)(void *log, const char *line, size_t len);
    void *log;
};

struct stats_figures {
    uint64_t requests, refused, in_flight; /* in flight: begun, not ended */
};

struct stats *stats_new(const struct stats_config *config); /* NULL when memory runs out */
void stats_free(struct stats *stats);                       /* when it returns, every line is in the log */

/* A request of the client has come. Where memory runs out, it counts in the totals only. */
void stats_begin(struct stats *stats, const char *client);

/*
 * And was answered. A refusal becomes the line "CLIENT refused N\n", where N says which one of that client's
 * refusals it is; a client's lines are in the log in this order.
 */
void stats_end(struct stats *stats, const char *client, bool refused);

/* Of all clients, or of one; one that never came has zeros. */
void stats_totals(struct stats *stats, struct stats_figures *out);
void stats_client(struct stats *stats, const char *client, struct stats_figures *out);

#endif
