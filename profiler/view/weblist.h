#ifndef VIEW_WEBLIST_H
#define VIEW_WEBLIST_H

#include "view/report.h"

/*
 * Source and assembly as a page, in two steps: weblist_collect finds out which instructions belong to which
 * line of which file, report_weblist writes the page.
 *
 *     samples ─► cost of each address ─► addresses of functions that match ─► ranges ─► instructions
 *             ─► for each frame of an instruction that is in such a function: an entry below its source line
 */
struct web_instruction {
    uint64_t address, vaddr;
    uint64_t length;
    const char *text; /* "" where there is no binary to look into: the profile's own lines, then */
    const char *file; /* of the innermost frame */
    int64_t line, flat, cum;
};

struct web_call { /* a call that was inlined */
    const char *file;
    int64_t line;
};

struct web_entry {
    int64_t line;
    const char *function;
    uint32_t instruction;
    uint32_t first_call, ncalls; /* outermost first */
};

struct web_file {
    const char *name;
    VEC(struct web_entry) entries; /* by line, then as they came */
};

struct weblist {
    struct report *r;
    VEC(struct web_instruction) instructions;
    VEC(struct web_call) calls;
    VEC(struct web_file) files;      /* by name */
    VEC(struct assembly) assemblies; /* back the texts */
};

int weblist_collect(struct weblist *w, struct report *r);
void weblist_fini(struct weblist *w);

#endif
