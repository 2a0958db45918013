#ifndef MODEL_LEGACY_PERF_LINE_H
#define MODEL_LEGACY_PERF_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The lines of `perf script`. Pure: parts point into the line.
 *
 *     COMM [PID/]TID [CPU] SECONDS.FRACTION: PERIOD EVENT: IP SYMBOL (FILE)     a sample
 *         IP SYMBOL+0xOFFSET (FILE)                                             a frame
 *
 * Which of the fields there are is the choice of perf's -F; what is absent is empty.
 */
struct perf_part {
    const char *text;
    size_t len;
};

struct perf_sample {
    struct perf_part comm, pid, tid, cpu, event; /* cpu without leading zeros */
    int64_t time_ns, period;                     /* -1 when absent */
    const char *rest; /* what follows the event: its frame, or a tracepoint's fields */
};

struct perf_frame {
    uint64_t ip;
    struct perf_part symbol, file; /* symbol without its offset, empty when perf found none */
    bool inlined;                  /* into the frame that follows at the same ip */
};

/* Whether the line is that of a sample; `timed` accepts only those that have their time, which no frame can
 * look like. */
bool perf_sample_parse(const char *line, bool timed, struct perf_sample *s);

/* Whether it is that of a frame. */
bool perf_frame_parse(const char *line, struct perf_frame *f);

struct perf_source {
    struct perf_part file; /* empty where perf does not know: "??:0", ":0", "libc.so.6[2a1f0]" */
    int64_t line;
    bool inlined; /* the frame is */
};

/* "  main.c:12", below the frame that it is of. */
bool perf_source_parse(const char *line, struct perf_source *s);

/* An event without its modifiers: of "cycles:u", "cycles". */
size_t perf_event_base(const struct perf_part *event);

#endif
