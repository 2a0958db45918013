#include "fuzz.h"

#include "sample_profile.h"
#include "ui/fetch.h"
#include "ui/options.h"
#include "view/limit.h"
#include "view/symbolz.h"
#include "view/tagfilter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * The small parsers. The first byte says which one gets what follows:
 *
 *     l   a limit of -fail_if          t   a filter of labels, -tagfocus      r   a regular expression and a
 * text u   the address of a source      s   what a server of names answers     o   a command line, a word a
 * line
 */

static void has_message(const struct error *error)
{
    fuzz_require(*error->text, "an error", "without a message");
}

static void limit(const char *text)
{
    struct limit l = {0};
    struct error error = {0};
    if (limit_parse(&l, text, &error)) {
        has_message(&error);
        return;
    }
    fuzz_require((l.function == NULL) == (l.subject == LIMIT_TOTAL), "a limit", "whose subject is not clear");
    limit_fini(&l);
}

static void tag_filter(const char *text)
{
    struct profile *p = sample_profile();
    struct label_units units;
    struct tagfilter *f = NULL;
    struct buf notes = {0};
    struct error error = {0};
    fuzz_require(label_units_init(&units, p, &notes) == 0, "units", "out of memory");
    if (tagfilter_new("tagfocus", text, &units, &f, &notes, &error))
        has_message(&error);
    for (size_t i = 0; f && i < p->samples.len; i++)
        tagfilter_match(f, p->labels.items + p->samples.items[i].first_label, p->samples.items[i].nlabels);
    tagfilter_free(f);
    label_units_fini(&units);
    buf_fini(&notes);
    profile_free(p);
}

/* A pattern, and behind a newline what to look for it in. */
static void regex(char *text)
{
    char *subject = strchrnul(text, '\n');
    struct regex *re;
    struct error error = {0};
    if (*subject)
        *subject++ = '\0';
    if (regex_new(text, &re, &error)) {
        has_message(&error);
        return;
    }
    bool once = regex_match(re, subject), twice = regex_match(re, subject);
    fuzz_require(once == twice || regex_check(re, NULL) != 0, "a match", "that depends on the time of day");
    regex_free(re);
}

static void address(const char *text)
{
    int seconds = -1;
    char *url = fetch_url(text, 0, &seconds);
    fuzz_require(!url || (strstr(url, "://") && seconds >= 0), "an address", text);
    free(url);
    char *names = symbolz_url(text);
    fuzz_require(names != NULL, "an address", text);
    free(names);
}

static int post(
    void *context, const char *url, const char *body, size_t len, struct buf *answer, struct error *error)
{
    (void)url, (void)error;
    fuzz_require(strlen(body) == len, "a question", "that is no text");
    buf_puts(answer, context);
    return answer->failed ? ERR_NOMEM : 0;
}

static void answer(char *text)
{
    struct profile *p = sample_profile();
    struct name_server server = {.url = "http://127.0.0.1/debug/pprof/heap"};
    struct name_source source = {.key = "/bin/a", .start = 0x1000, .server = &server};
    struct name_sources sources = {.items = {&source, 1, 1}, .post = post, .context = text};
    struct buf notes[1] = {{0}};
    bool named[1] = {false};
    struct error error = {0};
    for (size_t i = 0; i < p->locations.len; i++)
        p->locations.items[i].nlines = 0;
    fuzz_require(symbolz_profile(p, false, &sources, named, notes, &error) == 0, "an answer", error.text);
    buf_fini(notes);
    fuzz_use_profile(p);
}

static void command_line(char *text)
{
    char *words[40] = {(char *)"pprof"}, *at = text, *word;
    int n = 1;
    struct options o;
    struct error error = {0};
    while (n < 39 && (word = strsep(&at, "\n")))
        words[n++] = word;
    if (options_parse(&o, n, words, &error))
        has_message(&error);
    options_fini(&o);
}

void fuzz_expressions(const uint8_t *bytes, size_t len)
{
    char *text = len ? strndup((const char *)bytes + 1, len - 1) : NULL;
    if (!text)
        return;
    switch (bytes[0]) {
    case 'l':
        limit(text);
        break;
    case 't':
        tag_filter(text);
        break;
    case 'r':
        regex(text);
        break;
    case 'u':
        address(text);
        break;
    case 's':
        answer(text);
        break;
    case 'o':
        command_line(text);
        break;
    }
    free(text);
}
