/*
 * The partners take as long as such partners do: one is quick for some clients and slow for others, another
 * the same for all, and the archive is slow.
 */
#include "lesson9/partners.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUOTE_MS = 2, /* at least */
    QUOTE_MORE_MS = 40,
    CONFIRM_MS = 30,
    ARCHIVE_MS = 90,
    TEXTS = 32,
    WORDS = 2700,     /* of a text */
    BEGINNING = 4096, /* of a text, which is examined */
    EXAMINE_MS = 8,   /* of processor time */
};

long partners_answer(const char *line, char *answer, size_t size)
{
    uint64_t hash = hash_bytes(line, strlen(line));
    snprintf(answer, size, "%u", (unsigned)(hash % 1000));
    switch (line[0]) {
    case 'q':
        return QUOTE_MS + (long)(hash % QUOTE_MORE_MS);
    case 'c':
        return CONFIRM_MS;
    default:
        return ARCHIVE_MS;
    }
}

static uint32_t ask(void *neighbour, const char *line)
{
    char answer[NEIGHBOUR_LINE_MAX];
    return neighbour_ask(neighbour, line, answer, sizeof answer) ? (uint32_t)strtoul(answer, NULL, 10) : 0;
}

void partners_confirm(void *neighbour, uint64_t number, const char *client)
{
    char line[NEIGHBOUR_LINE_MAX];
    snprintf(line, sizeof line, "confirm %" PRIu64 " of %.100s", number, client);
    ask(neighbour, line);
}

uint32_t partners_quote(void *neighbour, const char *client, uint32_t base)
{
    char line[NEIGHBOUR_LINE_MAX];
    snprintf(line, sizeof line, "quote %.100s", client);
    return base + ask(neighbour, line);
}

void partners_archive(void *neighbour, const char *text)
{
    char line[NEIGHBOUR_LINE_MAX];
    snprintf(line, sizeof line, "archive %.200s", text);
    ask(neighbour, line);
}

/* Each letter counts differently each time, so there is no quicker way. */
static uint64_t go_over(const char *text, uint64_t score)
{
    for (size_t i = 0; i < BEGINNING && text[i]; i++)
        score = (score ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return score ^ score >> 29;
}

static uint64_t go_over_often(const char *text, int times, uint64_t score)
{
    for (int i = 0; i < times; i++)
        score = go_over(text, score);
    return score;
}

static int passes = 1;
static volatile uint64_t tried; /* so that trying is not left out */

uint32_t partners_examine(void *neighbour, const char *client, const char *text)
{
    (void)neighbour;
    uint64_t score = hash_bytes(client, strlen(client));
    return (uint32_t)(go_over_often(text, passes, score) % 100000);
}

/* How often a text is gone over in EXAMINE_MS here: who waits for that is to wait as long on any machine. */
static int count_passes(const char *text)
{
    enum { TRIED = 200 };
    int64_t began_ns = clock_thread_cpu_ns();
    tried = go_over_often(text, TRIED, 1);
    int64_t took_ns = clock_thread_cpu_ns() - began_ns + 1;
    return (int)(INT64_C(1000000) * EXAMINE_MS * TRIED / took_ns) + 1;
}

/* ---- texts ---- */

static char *texts[TEXTS];

/* Names of goods, most of them different. */
static char *text_new(uint64_t which)
{
    struct buf text = {0};
    for (uint64_t i = 0; i < WORDS; i++)
        buf_printf(&text, "%sno%06" PRIu64, i ? " " : "", hash_mix(which, i) % 100000);
    return buf_take(&text);
}

bool texts_init(void)
{
    bool complete = true;
    for (uint64_t i = 0; i < TEXTS; i++) {
        texts[i] = text_new(i);
        complete = complete && texts[i];
    }
    if (complete)
        passes = count_passes(texts[0]);
    return complete;
}

void texts_fini(void)
{
    for (int i = 0; i < TEXTS; i++)
        free(texts[i]);
}

const char *text_of(const char *client)
{
    return texts[hash_bytes(client, strlen(client)) % TEXTS];
}
