#ifndef COMMON_HISTOGRAM_H
#define COMMON_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

/*
 * Latencies in buckets whose width grows with the value: at most 1/32 of it, so that a percentile is exact
 * to 3%, from a microsecond to days, in fixed memory. Adding is one relaxed atomic increment: any thread may
 * add at any time. Reading while others add gives a figure that may lack the newest of them. All zeros is
 * an empty histogram.
 */
#define HISTOGRAM_BUCKETS 1216

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t max_us;
};

void histogram_add(struct histogram *h, int64_t us); /* below 0 counts as 0 */
uint64_t histogram_count(const struct histogram *h);
void histogram_merge(struct histogram *into, const struct histogram *from);
void histogram_clear(struct histogram *h);

/* The value, in microseconds, that `percent` of those added do not exceed; never more than the largest that
 * was added; 0 when there are none. */
uint64_t histogram_percentile_us(const struct histogram *h, double percent);

/* Draws the histogram as a bar for each step of latency, `columns` wide at most. */
void histogram_print(const struct histogram *h, FILE *to, int columns);

/*
 * The last while: adds go to the current of SLOTS histograms, reading merges them all, and a slot that has
 * become older than the window is cleared before it is used again. Safe for many threads, as above.
 */
#define WINDOW_SLOTS 5

struct latency_window {
    int64_t slot_ns;            /* the window is WINDOW_SLOTS of these */
    int64_t turn[WINDOW_SLOTS]; /* which multiple of slot_ns each slot holds */
    struct histogram slots[WINDOW_SLOTS];
};

void window_init(struct latency_window *w, int64_t window_ns);
void window_add(struct latency_window *w, int64_t now_ns, int64_t us);
uint64_t window_percentile_us(const struct latency_window *w, int64_t now_ns, double percent);

#endif
