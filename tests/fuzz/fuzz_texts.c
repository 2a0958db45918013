#include "fuzz.h"

#include "model/legacy.h"
#include "model/legacy_perf_line.h"

#include <stdlib.h>
#include <string.h>

/* The formats from before profile.proto: each target keeps to its own, so that it gets somewhere. */

static void read_legacy(const uint8_t *bytes, size_t len)
{
    struct profile *p;
    struct error error = {0};
    int code = legacy_decode(bytes, len, &p, &error);
    if (code)
        fuzz_check_error(code, &error);
    else
        fuzz_use_profile(p);
}

void fuzz_heap_v2(const uint8_t *bytes, size_t len)
{
    static const char magic[] = "heap_v2/";
    if (len >= sizeof magic - 1 && memcmp(bytes, magic, sizeof magic - 1) == 0)
        read_legacy(bytes, len);
}

void fuzz_legacy(const uint8_t *bytes, size_t len)
{
    read_legacy(bytes, len);
}

static bool is_inside(struct perf_part part, const char *line)
{
    return part.len == 0 || (part.text >= line && part.text + part.len <= line + strlen(line));
}

static void read_perf_line(const char *line)
{
    struct perf_sample s;
    struct perf_frame f;
    struct perf_source source;
    for (int timed = 0; timed < 2; timed++)
        if (perf_sample_parse(line, timed, &s))
            fuzz_require(is_inside(s.comm, line) && is_inside(s.pid, line) && is_inside(s.tid, line) &&
                             is_inside(s.cpu, line) && is_inside(s.event, line) &&
                             perf_event_base(&s.event) <= s.event.len,
                "a sample's parts", "are not in its line");
    if (perf_frame_parse(line, &f))
        fuzz_require(is_inside(f.symbol, line) && is_inside(f.file, line), "a frame's parts", "likewise");
    if (perf_source_parse(line, &source))
        fuzz_require(is_inside(source.file, line) && source.line >= 0, "a source", "likewise");
}

void fuzz_perf(const uint8_t *bytes, size_t len)
{
    read_legacy(bytes, len);
    char *text = malloc(len + 1), *at = text, *line;
    fuzz_require(text != NULL, "malloc", "out of memory");
    memcpy(text, bytes, len);
    text[len] = '\0';
    while ((line = strsep(&at, "\n")))
        read_perf_line(line);
    free(text);
}
