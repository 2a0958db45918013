/* The archive of articles. A real one reads them from a disk; ours makes them up, the same each time. */
#include "lesson1/article.h"

#include "base/hash.h"

#include <string.h>

static const char *const WORDS[] = {"the", "harbour", "a", "letter", "from", "Łódź", "and", "nobody", "knew",
    "which", "lamp", "über", "river", "she", "had", "kept", "in", "copper", "rain", "until", "morning",
    "café", "old", "maps", "of", "quiet", "streets", "he", "wrote", "again", "before", "winter", "it", "was",
    "señor", "only", "one", "window", "left", "open"};

enum { NWORDS = sizeof WORDS / sizeof *WORDS };

static unsigned below(uint64_t *random, unsigned n)
{
    return (unsigned)(hash_u64(*random += UINT64_C(0x9e3779b97f4a7c15)) % n);
}

static void write_words(struct buf *out, uint64_t *random, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        buf_puts(out, i ? " " : "");
        buf_puts(out, WORDS[below(random, NWORDS)]);
    }
}

/* Some are what somebody said, some are the last of a paragraph. */
static void write_sentence(struct buf *out, uint64_t *random)
{
    bool said = below(random, 4) == 0;
    buf_puts(out, said ? "\"" : "");
    write_words(out, random, 5 + below(random, 12));
    buf_puts(out, said ? "!\" " : ". ");
    if (below(random, 6) == 0)
        buf_puts(out, "\n\n\t");
}

void article_find(struct article *out, const char *key, size_t length)
{
    uint64_t random = hash_bytes(key, strlen(key));
    *out = (struct article){0};
    write_words(&out->title, &random, 6);
    buf_printf(&out->author, "\"%s\" %s", WORDS[below(&random, NWORDS)], WORDS[below(&random, NWORDS)]);
    while (out->body.len < length && !out->body.failed)
        write_sentence(&out->body, &random);
}

void article_fini(struct article *article)
{
    buf_fini(&article->title);
    buf_fini(&article->author);
    buf_fini(&article->body);
}
