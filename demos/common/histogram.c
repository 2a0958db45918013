/*
 * A bucket is a power of two and the five bits below the leading one:
 *
 *     us < 32         bucket us                    exact
 *     32 .. 63        32 + (us - 32)               exact
 *     64 .. 127       64 + (us - 64) / 2           two to a bucket
 *     128 .. 255      96 + (us - 128) / 4          four, and so on
 */
#include "common/histogram.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SUB_BITS = 5, SUB = 1 << SUB_BITS };

static size_t bucket_of(uint64_t us)
{
    if (us < SUB)
        return us;
    int shift = 63 - __builtin_clzll(us) - SUB_BITS;
    size_t bucket = (size_t)(shift + 1) * SUB + (us >> shift) - SUB;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_top_us(size_t bucket)
{
    if (bucket < SUB)
        return bucket;
    int shift = (int)(bucket / SUB) - 1;
    return ((uint64_t)(bucket % SUB + SUB + 1) << shift) - 1;
}

static uint64_t count_at(const struct histogram *h, size_t bucket)
{
    return __atomic_load_n(&h->counts[bucket], __ATOMIC_RELAXED);
}

void histogram_add(struct histogram *h, int64_t us)
{
    uint64_t value = us > 0 ? (uint64_t)us : 0;
    __atomic_fetch_add(&h->counts[bucket_of(value)], 1, __ATOMIC_RELAXED);
    uint64_t max = __atomic_load_n(&h->max_us, __ATOMIC_RELAXED);
    while (value > max &&
           !__atomic_compare_exchange_n(&h->max_us, &max, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t n = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        n += count_at(h, i);
    return n;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += count_at(from, i);
    uint64_t max = __atomic_load_n(&from->max_us, __ATOMIC_RELAXED);
    if (max > into->max_us)
        into->max_us = max;
}

void histogram_clear(struct histogram *h)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        __atomic_store_n(&h->counts[i], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&h->max_us, 0, __ATOMIC_RELAXED);
}

uint64_t histogram_percentile_us(const struct histogram *h, double percent)
{
    uint64_t total = histogram_count(h), seen = 0;
    double want = (double)total * percent / 100;
    uint64_t max = __atomic_load_n(&h->max_us, __ATOMIC_RELAXED);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && total; i++) {
        seen += count_at(h, i);
        if (seen && (double)seen >= want)
            return i < HISTOGRAM_BUCKETS - 1 && bucket_top_us(i) < max ? bucket_top_us(i) : max;
    }
    return 0;
}

/* ---- drawing ---- */

static void print_bar(FILE *to, uint64_t from_us, uint64_t n, uint64_t most, uint64_t total, int columns)
{
    int width = columns - 30;
    int bar = most ? (int)((double)n / (double)most * width + 0.5) : 0;
    fprintf(to, "%9.3f s %8llu %5.1f%% ", (double)from_us / 1e6, (unsigned long long)n,
        100.0 * (double)n / (double)total);
    for (int i = 0; i < bar; i++)
        fputc('#', to);
    fputc('\n', to);
}

void histogram_print(const struct histogram *h, FILE *to, int columns)
{
    enum { ROWS = 16 };
    uint64_t rows[ROWS] = {0}, most = 0, total = histogram_count(h);
    if (!total)
        return;
    uint64_t step_us = h->max_us / ROWS + 1;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t top = bucket_top_us(i) < h->max_us ? bucket_top_us(i) : h->max_us;
        rows[top / step_us] += h->counts[i];
    }
    for (int r = 0; r < ROWS; r++)
        most = rows[r] > most ? rows[r] : most;
    fputs("latency from  requests\n", to);
    for (int r = 0; r < ROWS; r++)
        print_bar(to, (uint64_t)r * step_us, rows[r], most, total, columns > 40 ? columns : 40);
}

/* ---- the last while ---- */

void window_init(struct latency_window *w, int64_t window_ns)
{
    memset(w, 0, sizeof *w);
    w->slot_ns = window_ns / WINDOW_SLOTS;
    for (int i = 0; i < WINDOW_SLOTS; i++)
        w->turn[i] = -1;
}

void window_add(struct latency_window *w, int64_t now_ns, int64_t us)
{
    int64_t turn = now_ns / w->slot_ns;
    int slot = (int)(turn % WINDOW_SLOTS);
    int64_t held = __atomic_load_n(&w->turn[slot], __ATOMIC_ACQUIRE);
    /* Whoever moves the slot on clears it; an add that slips in between may be lost, and only then. */
    if (held < turn &&
        __atomic_compare_exchange_n(&w->turn[slot], &held, turn, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        histogram_clear(&w->slots[slot]);
    histogram_add(&w->slots[slot], us);
}

uint64_t window_percentile_us(const struct latency_window *w, int64_t now_ns, double percent)
{
    struct histogram *all = calloc(1, sizeof *all); /* 10 KB: threads here have small stacks */
    if (!all)
        return 0;
    int64_t turn = now_ns / w->slot_ns;
    for (int i = 0; i < WINDOW_SLOTS; i++)
        if (__atomic_load_n(&w->turn[i], __ATOMIC_ACQUIRE) > turn - WINDOW_SLOTS)
            histogram_merge(all, &w->slots[i]);
    uint64_t us = histogram_percentile_us(all, percent);
    free(all);
    return us;
}
