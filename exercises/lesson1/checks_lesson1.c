/*
 * Checks of lesson 1: what a repaired escape.c must do, in exact counts. Any design passes that keeps the
 * promises of demos/lesson1/escape.h; how it is written is not looked at.
 *
 *   lesson1 TITLE FLAWED MODULE
 */
#include "counted.h"
#include "escape_limits.h"
#include "module.h"
#include "trial.h"
#include "verdict.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct escape_module {
    char *(*escape)(const char *text);
};

static const char *const FUNCTIONS[] = {"escape_json", NULL};
static struct escape_module module, counted, flawed;

/* The module's answer, which must be one. */
static char *escape_with(const struct escape_module *m, const char *text)
{
    module_enter("escape_json");
    char *escaped = m->escape(text);
    module_leave();
    if (!escaped)
        verdict(false, "a string, with memory to spare", "escape_json returned NULL for a text of %zu bytes",
            strlen(text));
    return escaped;
}

/* Prose of n bytes: mostly letters, now and then something to escape. The caller's to free. */
static char *prose(size_t n, uint32_t seed)
{
    static const char rare[] = "\"\\\n\t\xc3\xa9\x01";
    uint32_t random = seed;
    char *text = malloc(n + 1);
    if (!text)
        abort();
    for (size_t i = 0; i < n; i++) {
        uint32_t r = trial_random(&random);
        text[i] = r % 32 == 0 ? rare[r / 32 % (sizeof rare - 1)] : (char)('a' + r / 32 % 26);
    }
    text[n] = '\0';
    return text;
}

/* ---- same_output ----------------------------------------------------------------------------------------
 */

/* The first place where two strings differ. */
static size_t first_difference(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] && a[i] == b[i])
        i++;
    return i;
}

static void expect_output(const char *text, const char *expected)
{
    char *escaped = escape_with(&module, text);
    size_t at = first_difference(escaped, expected);
    if (escaped[at] || expected[at])
        verdict(false, "the bytes that the original gives",
            "of a text of %zu bytes, the result differs from byte %zu on: ...%.24s, not ...%.24s",
            strlen(text), at, escaped + at, expected + at);
    free(escaped);
}

static void expect_same_output(const char *text)
{
    char *expected = escape_with(&flawed, text);
    expect_output(text, expected);
    free(expected);
}

static void same_output(void)
{
    expect_output("", "");
    expect_output("\"\\/\b\f\n\r\t", "\\\"\\\\/\\b\\f\\n\\r\\t");
    expect_output("\x01\x1f\x7f\xc3\xa9", "\\u0001\\u001f\x7f\xc3\xa9");
    for (int byte = 1; byte < 256; byte++) {
        expect_same_output((const char[]){(char)byte, '\0'});
        expect_same_output((const char[]){'a', (char)byte, (char)byte, 'z', '\0'});
    }
    uint32_t random = 1;
    size_t texts = 0;
    for (size_t n = 1; n < 6000; n += 1 + n / 7, texts++) {
        char *text = prose(n, (uint32_t)n);
        expect_same_output(text);
        for (size_t i = 0; i < n; i++) /* any bytes at all, much to escape */
            text[i] = (char)(1 + trial_random(&random) % (i % 2 ? 255 : 40));
        expect_same_output(text);
        free(text);
    }
    verdict(true, "byte for byte what the original gives",
        "every byte from 1 to 255 and %zu texts of up to 6,000 bytes: the same", 2 * texts);
}

/* ---- bytes_copied and work_done -------------------------------------------------------------------------
 */

struct effort {
    uint64_t bytes, blocks;
};

/* For four texts of about n bytes together: where a buffer has just grown, or is about to, evens out. */
static struct effort effort_for(size_t n)
{
    static const double SIZES[] = {1, 1.19, 1.41, 1.68};
    struct effort before = {counted_bytes(), counted_work()};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        char *text = prose((size_t)((double)n * SIZES[i]), 7);
        free(escape_with(&counted, text));
        free(text);
    }
    return (struct effort){counted_bytes() - before.bytes, counted_work() - before.blocks};
}

enum { SHORT_TEXT = 256 };

/* What grows with the input is judged from one unit for each byte on; less than that is nothing. */
static void judge_growth(const char *of_what, uint64_t small, uint64_t large)
{
    uint64_t floor = 5 * SHORT_TEXT;
    double growth = (double)large / (double)(small > floor ? small : floor);
    char allowed[100];
    snprintf(allowed, sizeof allowed, "at most %d times as many for 8 times the text", GROWTH_MAX);
    verdict(growth <= GROWTH_MAX, allowed,
        "%lu %s for four texts of about %d bytes, %lu for texts 8 times as long: %.1f times",
        (unsigned long)small, of_what, SHORT_TEXT, (unsigned long)large, growth);
}

static void bytes_copied(void)
{
    struct effort small = effort_for(SHORT_TEXT), large = effort_for(8 * SHORT_TEXT);
    judge_growth("bytes copied or searched", small.bytes, large.bytes);
}

static void work_done(void)
{
    struct effort small = effort_for(SHORT_TEXT), large = effort_for(8 * SHORT_TEXT);
    judge_growth("basic blocks executed", small.blocks, large.blocks);
}

/* ---- memory_at_once -------------------------------------------------------------------------------------
 */

static double memory_for(size_t n)
{
    char *text = prose(n, 3);
    int64_t before = counted_live_bytes();
    counted_peak_restart();
    char *escaped = escape_with(&counted, text);
    int64_t most = counted_peak_bytes() - before;
    int64_t left = counted_live_bytes() - before - (int64_t)malloc_usable_size(escaped);
    if (left > 0)
        verdict(false, "none: what is not the result is freed",
            "%ld bytes are left beside the result of a text of %zu bytes", (long)left, n);
    free(escaped);
    free(text);
    return (double)most / (double)n;
}

static void memory_at_once(void)
{
    double small = memory_for(2048), large = memory_for(4096), more = small > large ? small : large;
    char allowed[100];
    snprintf(allowed, sizeof allowed, "at most %d bytes for each byte of the text, and none left over",
        BYTES_AT_ONCE_MAX);
    verdict(more <= BYTES_AT_ONCE_MAX, allowed,
        "%.1f bytes allocated at once for each byte of a text of 2,048, %.1f for one of 4,096", small, large);
}

/* ---- from_many_threads ----------------------------------------------------------------------------------
 */

enum { THREADS = 4, TEXTS = 12, ROUNDS = 8 };

struct worker {
    pthread_t thread;
    char *texts[TEXTS], *expected[TEXTS];
    int wrong;
};

static void *worker_run(void *argument)
{
    struct worker *w = argument;
    for (int i = 0; i < TEXTS * ROUNDS; i++) {
        char *escaped = escape_with(&counted, w->texts[i % TEXTS]);
        w->wrong += strcmp(escaped, w->expected[i % TEXTS]) != 0;
        free(escaped);
    }
    return NULL;
}

static void from_many_threads(void)
{
    struct worker workers[THREADS] = {0};
    int wrong = 0;
    for (int i = 0; i < THREADS * TEXTS; i++) {
        struct worker *w = &workers[i % THREADS];
        char *text = prose(20 + (size_t)i * 3, (uint32_t)i + 1);
        w->texts[i / THREADS] = text;
        w->expected[i / THREADS] = escape_with(&flawed, text);
    }
    counted_shuffle(true);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    counted_shuffle(false);
    for (int i = 0; i < THREADS * TEXTS; i++) {
        free(workers[i % THREADS].texts[i / THREADS]);
        free(workers[i % THREADS].expected[i / THREADS]);
    }
    for (int i = 0; i < THREADS; i++)
        wrong += workers[i].wrong;
    verdict(wrong == 0, "all of them right, whoever else calls it meanwhile",
        "%d of %d results wrong, with %d threads at once", wrong, THREADS * TEXTS * ROUNDS, THREADS);
}

/* ---------------------------------------------------------------------------------------------------------
 */

#define CPU "'http://127.0.0.1:6060/debug/pprof/profile?seconds=5'"

static const struct verdict_case cases[] = {
    {"same_output", same_output, "none: a wrong answer can be quick",
        "./.build/fetch http://127.0.0.1:8080/articles/KEY, from ./demos/render and from yours"},
    {"bytes_copied", bytes_copied, "cpu: memcpy and strlen by flat, those who call them by cum",
        "./profiler/pprof -peek '^(memcpy|strlen)$' " CPU},
    {"work_done", work_done, "cpu: your own functions by flat", "./profiler/pprof -list escape.c " CPU},
    {"memory_at_once", memory_at_once, "heap: lesson 2 is about it",
        "./profiler/pprof -top -alloc_space http://127.0.0.1:6060/debug/pprof/heap"},
    {"from_many_threads", from_many_threads, "none: shared memory without a lock shows in wrong answers",
        "read escape.c: what of it is static, and so shared by all requests?"},
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: lesson1 TITLE FLAWED MODULE\n");
        return 2;
    }
    if (!module_load(&flawed, FUNCTIONS, argv[2], ".so") ||
        !module_load(&module, FUNCTIONS, argv[3], ".so") ||
        !module_load(&counted, FUNCTIONS, argv[3], ".counted.so"))
        return 2;
    return verdict_run(argv[1], cases, sizeof cases / sizeof *cases, WATCHDOG_S) > 0 ? 1 : 0;
}
