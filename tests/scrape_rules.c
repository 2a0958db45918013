/*
 * Would the scrapers take this answer? The rules of Parca's server (what it checks of a profile before it
 * stores it) and of Grafana Alloy's pyroscope.scrape (what it checks of an answer, and of what it computes
 * differences), as they were published in 2026, held against an answer as it came over the network.
 *
 *     scrape_rules process_cpu|memory|block|mutex|goroutine ANSWER
 *
 * ANSWER is a file that begins at the status line. A line for each rule that is broken, and exit 1 then; 2
 * when there is nothing to judge.
 */
#include "profile.pb-c.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { BYTES_MAX = 64 << 20 };

static int broken;

static void __attribute__((format(printf, 2, 3))) rule(bool kept, const char *what, ...)
{
    va_list arguments;
    if (kept || broken++ > 20)
        return;
    va_start(arguments, what);
    vprintf(what, arguments);
    va_end(arguments);
    putchar('\n');
}

/* ---- the answer ---- */

struct answer {
    char *bytes, *body;
    size_t len, body_len;
    char content_type[100];
};

static bool read_answer(const char *path, struct answer *a)
{
    FILE *f = fopen(path, "re");
    a->bytes = calloc(1, BYTES_MAX + 1);
    if (!f || !a->bytes)
        return false;
    a->len = fread(a->bytes, 1, BYTES_MAX, f);
    fclose(f);
    char *end = memmem(a->bytes, a->len, "\r\n\r\n", 4);
    if (!end)
        return false;
    end[2] = '\0';
    a->body = end + 4;
    a->body_len = a->len - (size_t)(a->body - a->bytes);
    const char *type = strcasestr(a->bytes, "\r\nContent-Type: ");
    if (type)
        snprintf(a->content_type, sizeof a->content_type, "%.*s", (int)strcspn(type + 16, "\r"), type + 16);
    return true;
}

static void judge_answer(const struct answer *a)
{
    static const char octets[] = "application/octet-stream";
    int status = 0;
    sscanf(a->bytes, "HTTP/1.%*d %d", &status);
    rule(status == 200, "the status is %d", status);
    rule(strncmp(a->content_type, octets, sizeof octets - 1) == 0, "the content type is \"%s\"",
        a->content_type);
    rule(a->body_len > 2, "%zu bytes are no profile", a->body_len);
    rule(a->body_len < 10 || !strchr("<{[", a->body[strspn(a->body, " \t\r\n")]), "it is text");
}

/* ---- the profile ---- */

static Perftools__Profiles__Profile *unpack(const struct answer *a)
{
    unsigned char *raw = malloc(BYTES_MAX);
    z_stream z = {.next_in = (unsigned char *)a->body,
        .avail_in = (unsigned)a->body_len,
        .next_out = raw,
        .avail_out = BYTES_MAX};
    Perftools__Profiles__Profile *p = NULL;
    if (raw && inflateInit2(&z, 15 + 32) == Z_OK) {
        if (inflate(&z, Z_FINISH) == Z_STREAM_END)
            p = perftools__profiles__profile__unpack(NULL, z.total_out, raw);
        inflateEnd(&z);
    }
    free(raw);
    return p;
}

static const char *text(const Perftools__Profiles__Profile *p, int64_t index)
{
    rule(index >= 0 && (size_t)index < p->n_string_table, "%lld is no index of a string", (long long)index);
    return index >= 0 && (size_t)index < p->n_string_table ? p->string_table[index] : "";
}

static void judge_tables(const Perftools__Profiles__Profile *p)
{
    rule(p->n_string_table > 0 && !*p->string_table[0], "the first string is not empty");
    for (size_t i = 0; i < p->n_mapping; i++) {
        rule(p->mapping[i]->id == i + 1, "mapping %zu has the id %llu", i + 1,
            (unsigned long long)p->mapping[i]->id);
        text(p, p->mapping[i]->filename);
        text(p, p->mapping[i]->build_id);
    }
    for (size_t i = 0; i < p->n_function; i++) {
        rule(p->function[i]->id == i + 1, "function %zu has the id %llu", i + 1,
            (unsigned long long)p->function[i]->id);
        text(p, p->function[i]->name);
        text(p, p->function[i]->system_name);
        text(p, p->function[i]->filename);
    }
    for (size_t i = 0; i < p->n_location; i++) {
        const Perftools__Profiles__Location *l = p->location[i];
        rule(l->id == i + 1, "location %zu has the id %llu", i + 1, (unsigned long long)l->id);
        rule(l->mapping_id <= p->n_mapping, "location %zu is in no mapping", i + 1);
        rule(l->address != 0, "location %zu has no address, by which differences are keyed", i + 1);
        for (size_t k = 0; k < l->n_line; k++)
            rule(l->line[k]->function_id <= p->n_function, "location %zu is in no function", i + 1);
    }
}

static void judge_samples(const Perftools__Profiles__Profile *p)
{
    for (size_t i = 0; i < p->n_sample; i++) {
        const Perftools__Profiles__Sample *s = p->sample[i];
        rule(s->n_value == p->n_sample_type, "sample %zu has %zu values", i, s->n_value);
        for (size_t k = 0; k < s->n_location_id; k++)
            rule(s->location_id[k] >= 1 && s->location_id[k] <= p->n_location, "sample %zu is nowhere", i);
        for (size_t k = 0; k < s->n_label; k++)
            rule(*text(p, s->label[k]->key), "sample %zu has a label without a key", i);
    }
}

/* What each is called there, in this order; a "-" before what differences are computed of. */
static const struct kind {
    const char *name, *types[5], *period;
} kinds[] = {
    {"process_cpu", {"samples/count", "cpu/nanoseconds"}, "cpu/nanoseconds"},
    {"memory", {"-alloc_objects/count", "-alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes"},
        "space/bytes"},
    {"block", {"-contentions/count", "-delay/nanoseconds"}, "contentions/count"},
    {"mutex", {"-contentions/count", "-delay/nanoseconds"}, "contentions/count"},
    {"goroutine", {"goroutine/count"}, "goroutine/count"},
};

static bool is_type(
    const Perftools__Profiles__Profile *p, const Perftools__Profiles__ValueType *t, const char *wanted)
{
    char have[100];
    snprintf(have, sizeof have, "%s/%s", text(p, t->type), text(p, t->unit));
    return strcmp(have, wanted + (*wanted == '-')) == 0;
}

static void judge_types(const Perftools__Profiles__Profile *p, const struct kind *kind)
{
    size_t n = 0;
    for (; kind->types[n]; n++)
        rule(n < p->n_sample_type && is_type(p, p->sample_type[n], kind->types[n]), "type %zu is not %s", n,
            kind->types[n]);
    rule(p->n_sample > 0 || strcmp(kind->name, "mutex") == 0,
        "there is no sample"); /* of a lock, maybe none */
    rule(p->n_sample_type == n, "there are %zu types, not %zu", p->n_sample_type, n);
    rule(p->period_type && is_type(p, p->period_type, kind->period), "the period is not of %s", kind->period);
    rule(p->period > 0, "the period is %lld", (long long)p->period);
    rule(p->time_nanos > 0, "it has no time");
    rule(strcmp(kind->name, "process_cpu") != 0 || p->duration_nanos > 0, "it has no duration");
}

int main(int argc, char **argv)
{
    struct answer a = {0};
    const struct kind *kind = NULL;
    for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, argv[1]) == 0)
            kind = &kinds[i];
    if (!kind || !read_answer(argv[2], &a)) {
        fputs("usage: scrape_rules process_cpu|memory|block|mutex|goroutine ANSWER\n", stderr);
        return 2;
    }
    judge_answer(&a);
    Perftools__Profiles__Profile *p = unpack(&a);
    rule(p != NULL, "it is no profile");
    if (p) {
        judge_tables(p);
        judge_samples(p);
        judge_types(p, kind);
        perftools__profiles__profile__free_unpacked(p, NULL);
    }
    free(a.bytes);
    return broken > 0;
}
