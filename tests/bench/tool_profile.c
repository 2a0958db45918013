/*
 * Makes big profiles for the tool, the same for the same arguments on every machine.
 *
 *     tool_profile proto MB     profile.proto of about MB million bytes, plain, on standard output
 *     tool_profile heap MB      a dump of jemalloc, heap_v2, of MB million bytes
 *
 * The stacks are those of threads that wander through a program: from one of its samples to the next a thread
 * returns from some functions and calls some others, so that stacks are deep (some 45 frames), mostly
 * different, and begin alike. Functions are called as unevenly as in a real program, and one in six locations
 * has inlined ones.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FUNCTIONS = 20000, LOCATIONS = 60000, THREADS = 64, ROUTES = 200, MAX_DEPTH = 120 };

static const uint64_t TEXT_START = 0x400000, TEXT_LIMIT = 0x2400000;

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t draw(void) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)((draw() >> 32) * n >> 32);
}

/* The smaller, the likelier: the product of three even draws. */
static uint32_t uneven(uint32_t n)
{
    return (uint32_t)((uint64_t)below(n) * (below(1000) + 1) / 1000 * (below(1000) + 1) / 1000);
}

/* ---- the wandering stack: locations, root first ---- */

static uint32_t stacks[THREADS][MAX_DEPTH];
static int depths[THREADS];
static uint32_t *stack; /* the current thread's */
static int depth, thread;

/* What a location calls is one of a few, which its number decides. */
static uint32_t callee(uint32_t location)
{
    uint64_t which = location * UINT64_C(0x9e3779b97f4a7c15) + uneven(12) * UINT64_C(0xbf58476d1ce4e5b9);
    uint64_t even = which >> 40; /* 24 bits */
    return (uint32_t)((even * even >> 24) * LOCATIONS >> 24);
}

/* The next sample is of any thread, which has returned from some functions since its last one, and called
 * others. */
static void wander(void)
{
    thread = (int)below(THREADS);
    stack = stacks[thread];
    depth = depths[thread] / 4 + (int)below(30);
    if (depth > depths[thread])
        depth = depths[thread];
    stack[0] = 0;
    for (int most = depth + 2 + (int)below(50); depth < most && depth < MAX_DEPTH; depth++)
        if (depth)
            stack[depth] = callee(stack[depth - 1]);
    depths[thread] = depth;
}

static uint64_t address_of(uint32_t location)
{
    return TEXT_START + 0x1000 + (uint64_t)location * ((TEXT_LIMIT - TEXT_START - 0x2000) / LOCATIONS);
}

/* ---- protobuf ---- */

static uint64_t written;
static unsigned char message[8192];
static size_t used;

static void put_varint(uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        message[used++] = (unsigned char)(v | 0x80);
    message[used++] = (unsigned char)v;
}

static void put_number(int field, uint64_t v)
{
    put_varint((uint64_t)field << 3);
    put_varint(v);
}

/* The message from start on becomes a field of bytes. */
static void wrap(int field, size_t start)
{
    unsigned char head[16];
    size_t len = used - start, mark = used;
    put_varint((uint64_t)field << 3 | 2);
    put_varint(len);
    size_t n = used - mark;
    memcpy(head, message + mark, n);
    memmove(message + start + n, message + start, len);
    memcpy(message + start, head, n);
    used = start + n + len;
}

static void flush(void)
{
    fwrite(message, 1, used, stdout);
    written += used;
    used = 0;
}

/* Strings, by number: "", the fixed ones, routes, threads, and then a name and a file a function. */
enum { S_SAMPLES = 1, S_COUNT, S_CPU, S_NANOS, S_ROUTE, S_THREAD, S_BYTES, S_BINARY, S_BUILD_ID, S_FIRST };
static const char *const fixed[] = {"", "samples", "count", "cpu", "nanoseconds", "route", "thread", "bytes",
    "/usr/bin/server", "8d2f0a41c3"};
enum { FIRST_ROUTE = S_FIRST, FIRST_THREAD = FIRST_ROUTE + ROUTES, FIRST_NAME = FIRST_THREAD + THREADS };

static void put_sample_type(int field, int type, int unit)
{
    put_number(1, (uint64_t)type);
    put_number(2, (uint64_t)unit);
    wrap(field, 0);
    flush();
}

static void put_label(int key, uint64_t text)
{
    size_t start = used;
    put_number(1, (uint64_t)key);
    put_number(2, text);
    wrap(3, start);
}

static void put_sample(void)
{
    for (int i = depth; i-- > 0;)
        put_varint(stack[i] + 1);
    wrap(1, 0);
    size_t start = used;
    uint64_t ticks = 1 + uneven(20);
    put_varint(ticks);
    put_varint(ticks * 10000000);
    wrap(2, start);
    put_label(S_THREAD, FIRST_THREAD + (uint64_t)thread);
    if (below(2))
        put_label(S_ROUTE, FIRST_ROUTE + uneven(ROUTES));
    if (below(8) == 0) {
        start = used;
        put_number(1, S_BYTES);
        put_number(3, UINT64_C(64) << below(12));
        wrap(3, start);
    }
    wrap(2, 0);
    flush();
}

static void put_location(uint32_t i)
{
    put_number(1, i + 1);
    put_number(2, 1);
    put_number(3, address_of(i));
    for (uint32_t k = 0, lines = i % 6 ? 1 : 2; k < lines; k++) {
        size_t start = used;
        put_number(1, (i + k * 7) % FUNCTIONS + 1);
        put_number(2, 10 + i * 13 % 900);
        wrap(4, start);
    }
    wrap(4, 0);
    flush();
}

static void put_function(uint32_t i)
{
    put_number(1, i + 1);
    put_number(2, FIRST_NAME + 2 * (uint64_t)i);
    put_number(3, FIRST_NAME + 2 * (uint64_t)i);
    put_number(4, FIRST_NAME + 2 * (uint64_t)i + 1);
    put_number(5, 5 + i % 800);
    wrap(5, 0);
    flush();
}

static void put_string(const char *text)
{
    size_t len = strlen(text);
    memcpy(message, text, len);
    used = len;
    wrap(6, 0);
    flush();
}

static void put_strings(void)
{
    static const char *const verbs[] = {
        "parse", "encode", "lookup", "insert", "visit", "flush", "read", "commit"};
    static const char *const nouns[] = {"Header", "Session", "Index", "Page", "Request", "Token", "Cursor"};
    char text[160];
    for (int i = 0; i < S_FIRST; i++)
        put_string(fixed[i]);
    for (int i = 0; i < ROUTES; i++) {
        snprintf(text, sizeof text, "/v1/items/%d", i);
        put_string(text);
    }
    for (int i = 0; i < THREADS; i++) {
        snprintf(text, sizeof text, "worker-%d", i);
        put_string(text);
    }
    for (int i = 0; i < FUNCTIONS; i++) {
        snprintf(text, sizeof text, "server::%s%d::%s_%d(char const*, unsigned long)", nouns[i % 7], i / 40,
            verbs[i % 8], i);
        put_string(text);
        snprintf(
            text, sizeof text, "/home/build/server/src/%s/%s%d.cc", verbs[i / 5000], nouns[i % 7], i / 40);
        put_string(text);
    }
}

static void make_proto(uint64_t bytes)
{
    put_sample_type(1, S_SAMPLES, S_COUNT);
    put_sample_type(1, S_CPU, S_NANOS);
    put_sample_type(11, S_CPU, S_NANOS);
    put_number(12, 10000000);
    put_number(9, UINT64_C(1700000000000000000));
    put_number(10, UINT64_C(60000000000));
    flush();
    put_number(1, 1);
    put_number(2, TEXT_START);
    put_number(3, TEXT_LIMIT);
    put_number(5, S_BINARY);
    put_number(6, S_BUILD_ID);
    for (int i = 7; i <= 10; i++)
        put_number(i, 1);
    wrap(3, 0);
    flush();
    for (uint32_t i = 0; i < LOCATIONS; i++)
        put_location(i);
    for (uint32_t i = 0; i < FUNCTIONS; i++)
        put_function(i);
    put_strings();
    while (written < bytes) {
        wander();
        put_sample();
    }
}

/* ---- jemalloc's dump ---- */

static void put_counts(const char *who, uint64_t objects, uint64_t each)
{
    written +=
        (uint64_t)printf("  %s: %" PRIu64 ": %" PRIu64 " [%d: %d]\n", who, objects, objects * each, 0, 0);
}

static void make_heap(uint64_t bytes)
{
    written += (uint64_t)printf("heap_v2/524288\n");
    put_counts("t*", 1000000, 512);
    put_counts("t0", 1000000, 512);
    while (written < bytes) {
        wander();
        written += (uint64_t)printf("@");
        for (int i = depth; i-- > 0;)
            written += (uint64_t)printf(" 0x%" PRIx64, address_of(stack[i]));
        written += (uint64_t)printf("\n");
        uint64_t objects = 1 + uneven(200), each = UINT64_C(16) << below(14);
        put_counts("t*", objects, each);
        put_counts("t0", objects, each);
    }
    printf("\nMAPPED_LIBRARIES:\n%08" PRIx64 "-%08" PRIx64 " r-xp 00000000 08:01 4711 %s\n", TEXT_START,
        TEXT_LIMIT, fixed[S_BINARY]);
}

int main(int argc, char **argv)
{
    long megabytes = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    bool proto = argc == 3 && strcmp(argv[1], "proto") == 0, heap = argc == 3 && strcmp(argv[1], "heap") == 0;
    if (megabytes <= 0 || (!proto && !heap)) {
        fprintf(stderr, "usage: tool_profile proto|heap MB\n");
        return 2;
    }
    if (proto)
        make_proto((uint64_t)megabytes * 1000000);
    else
        make_heap((uint64_t)megabytes * 1000000);
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
