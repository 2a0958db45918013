#include "fuzz.h"

#include "model/check.h"
#include "model/codec.h"
#include "model/merge.h"
#include "view/report.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What holds for every profile that a reader lets in. */

enum { UNPACKED_BYTES = 1 << 20 }; /* more would be slow, and tell nothing new */

int fuzz_says = STDERR_FILENO;

void fuzz_require(bool ok, const char *what, const char *why)
{
    if (ok)
        return;
    dprintf(fuzz_says, "%s: %s\n", what, why);
    abort();
}

void fuzz_check_error(int code, const struct error *error)
{
    const char *text = error->text;
    fuzz_require(code == error->code, "the code of an error", text);
    fuzz_require(*text && strlen(text) < sizeof error->text - 1, "a cut or empty message", text);
    for (const char *at = text; *at; at++)
        fuzz_require(!iscntrl((unsigned char)*at), "a message of several lines", text);
    if (code != ERR_FORMAT && code != ERR_LIMIT)
        return;
    size_t word = strncmp(text, "offset ", 7) == 0 ? 7 : strncmp(text, "line ", 5) == 0 ? 5 : 0;
    size_t digits = strspn(text + word, "0123456789");
    fuzz_require(word && digits && strncmp(text + word + digits, ": ", 2) == 0, "no position", text);
}

static struct buf encoded(const struct profile *p)
{
    struct buf out = {0};
    struct error error;
    int code = profile_encode(p, false, &out, &error);
    fuzz_require(code == 0, "encoding", error.text);
    return out;
}

/* The format has no way to write a label of the number 0 without a unit. */
static bool is_writable(const struct profile *p)
{
    for (size_t i = 0; i < p->labels.len; i++)
        if (p->labels.items[i].is_num && !p->labels.items[i].num && !*p->labels.items[i].num_unit)
            return false;
    return true;
}

/* What was written reads as what it was. */
static void go_round(const struct profile *p)
{
    struct buf once = encoded(p), twice;
    struct profile *again;
    struct error error;
    int code = profile_decode(once.data, once.len, 0, &again, &error);
    fuzz_require(code == 0, "reading what was written", error.text);
    twice = encoded(again);
    fuzz_require(!is_writable(p) || (once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0),
        "writing it again", "gives other bytes");
    profile_free(again);
    buf_fini(&once);
    buf_fini(&twice);
}

static uint64_t sum(const struct profile *p)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < p->values.len; i++)
        sum += (uint64_t)p->values.items[i];
    return sum;
}

static void double_it(const struct profile *p)
{
    struct profile *twice;
    struct error error;
    int code = profile_merge((const struct profile *const[]){p, p}, 2, &twice, &error);
    fuzz_require(code == 0, "merging with itself", error.text);
    fuzz_require(profile_check(twice, &error) == 0, "what was merged", error.text);
    fuzz_require(sum(twice) == 2 * sum(p), "merging with itself", "does not double it");
    go_round(twice);
    profile_free(twice);
}

static void report(const struct profile *p, enum report_format format, bool call_tree)
{
    struct report_request q = {.format = format, .config = CONFIG_DEFAULT};
    struct buf out = {0}, notes = {0};
    struct error error = {0};
    q.config.call_tree = call_tree;
    int code = report_generate(p, &q, &out, &notes, &error);
    fuzz_require(!code || *error.text, "a report", "failed and does not say why");
    buf_fini(&out);
    buf_fini(&notes);
}

void fuzz_use_profile(struct profile *p)
{
    static const enum report_format formats[] = {REPORT_TEXT, REPORT_TREE, REPORT_TRACES, REPORT_RAW,
        REPORT_TAGS, REPORT_DOT, REPORT_FOLDED, REPORT_JSON};
    struct error error = {0};
    fuzz_require(profile_check(p, &error) == 0, "what was read", error.text);
    go_round(p);
    double_it(p);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        report(p, formats[i], false);
    report(p, REPORT_TREE, true);
    profile_free(p);
}

static struct profile *decode(const uint8_t *bytes, size_t len)
{
    struct profile *p;
    struct error error = {0};
    int code = profile_decode(bytes, len, UNPACKED_BYTES, &p, &error);
    if (!code)
        return p;
    fuzz_check_error(code, &error);
    return NULL;
}

void fuzz_decode(const uint8_t *bytes, size_t len)
{
    struct profile *p = decode(bytes, len);
    if (p)
        fuzz_use_profile(p);
}

bool fuzz_reads(const uint8_t *bytes, size_t len)
{
    struct profile *p = decode(bytes, len);
    struct error error = {0};
    fuzz_require(!p || profile_check(p, &error) == 0, "what was read", error.text);
    profile_free(p);
    return p != NULL;
}
