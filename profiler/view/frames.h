#ifndef VIEW_FRAMES_H
#define VIEW_FRAMES_H

#include "base/buf.h"
#include "model/profile.h"
#include "view/report_config.h"

/*
 * What a report sees of a location: its frames at the granularity asked for. Aggregation happens here, by
 * leaving out parts of a frame, so that a profile need not be rewritten to be seen coarsely.
 *
 * Strings of one `struct frames` are equal exactly when their pointers are.
 */
struct frame {
    const char *name, *file, *objfile; /* intern_empty where left out */
    uint64_t address;
    int64_t start_line, line, column;
};

struct frame_detail {
    bool inlines, function, file, line, column, address;
    bool objfile; /* always keep it; otherwise only where there is no name */
};

struct frames {
    const struct profile *p;
    struct frame_detail detail;
    struct intern *strings;
    const char **files; /* of each function, cleaned and trimmed */
};

struct frame_detail frame_detail_of(const struct config *c);

/* trim: file names lose their prefix as trim_path (or, without it, source_path) says. ERR_NOMEM. The profile
 * must outlive the frames. */
int frames_init(
    struct frames *f, const struct profile *p, struct frame_detail detail, const struct config *trim);
void frames_fini(struct frames *f);

/* At least 1: a location without lines has a frame of its address alone. */
uint32_t frames_count(const struct frames *f, uint32_t location);

/* Frame i of the location, innermost inlined first. */
struct frame frames_get(const struct frames *f, uint32_t location, uint32_t i);

bool frame_equal(const struct frame *a, const struct frame *b);
uint64_t frame_hash(const struct frame *a);

/* "0000000000401000 main.work main.c:12", "[libc.so.6]", "<unknown>". Appends to out. */
void frame_print(const struct frame *a, struct buf *out);

/* The same with another separator than a space. */
void frame_print_parts(const struct frame *a, const char *separator, struct buf *out);

/* Orders frames that print alike: the fields as text, as the source compares them. */
int frame_compare_fields(const struct frame *a, const struct frame *b);

#endif
