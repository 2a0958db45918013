#ifndef LESSON2_SESSION_RIG_H
#define LESSON2_SESSION_RIG_H

#include "lesson2/session_report.h"

/*
 * What the checks put around the two modules: each loaded from a shared object, and, for the report, a table
 * of sessions that the check arranges. Both modules are free to be written anew without the other.
 */

/* ---- the modules ----------------------------------------------------------------------------------------
 */

struct session_module {
    struct sessions *(*create)(void);
    void (*destroy)(struct sessions *all);
    bool (*login)(struct sessions *all, const char *token, const char *settings);
    bool (*note)(struct sessions *all, const char *token, const char *page);
    bool (*logout)(struct sessions *all, const char *token);
    size_t (*shelves)(const struct sessions *all);
    void (*visit)(struct sessions *all, size_t shelf,
        void (*visit)(void *closure, const struct session_view *session), void *closure);
    void (*stats)(struct sessions *all, struct sessions_stats *out);
};

struct report_module {
    struct report *(*create)(struct sessions *all);
    long (*read)(struct report *report, char *to, size_t cap);
    void (*destroy)(struct report *report);
};

/* As module_load, with the functions' names. */
bool session_module_load(struct session_module *out, const char *stem, const char *ending);
bool report_module_load(struct report_module *out, const char *stem, const char *ending);

/* ---- a table for reports --------------------------------------------------------------------------------
 */

/*
 * The report module's sessions_shelves and sessions_visit find this one. Session n has the token "rig-n", n %
 * 9 pages (8 at most) and some 400 bytes of settings. Shelf n has none, two or five of them; the last has 40.
 * What a visit shows is scrubbed when it returns, as in a table whose sessions come and go.
 */
struct sessions *rig_table_new(size_t nsessions);
void rig_table_free(struct sessions *table);
void rig_table_leave(struct sessions *table, size_t n); /* session n logs out */
bool rig_table_has(const struct sessions *table, size_t n);

/* The line that a report has for session n, with its end, NUL-terminated. Returns its length. */
enum { RIG_LINE_BYTES = 1024 };
size_t rig_table_line(size_t n, char line[RIG_LINE_BYTES]);

#endif
