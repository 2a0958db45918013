#ifndef LESSON8_DEBUG_RIG_H
#define LESSON8_DEBUG_RIG_H

#include "lesson8/debug_http.h"

/*
 * What the checks put around the module under test: it is loaded from a shared object, asked as
 * debug_server.c asks it, and what it asks of the profiler is read as the profiler reads it.
 */

struct debug_module {
    int (*listen)(const struct debug_settings *s, struct error *error);
    void (*answer)(const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out);
    const char *(*label)(const char *code);
    void (*rates)(struct debug_rates *out);
};

/* As module_load, with the functions' names. */
bool debug_module_load(struct debug_module *out, const char *stem, const char *ending);

/* An answer, as whoever asked would see it: with what the profiler would have said of the command line. The
 * caller frees out->text. */
void rig_ask(const struct debug_module *m, const struct debug_settings *s, const struct debug_request *r,
    struct debug_answer *out);

/* Whether the text or the name of the profile has it, wherever in it. */
bool rig_shows(const struct debug_answer *a, const char *secret);

/* What the profiler is asked for: its name, and how long and how closely it would look. Of a parameter that
 * is there several times, the largest. 0: not at all. False when it is no number that the profiler takes. */
struct rig_profile {
    char name[32];
    int64_t seconds, hz;
};
bool rig_profile_read(const char *profile, struct rig_profile *out);

/* A connection to the socket's own address, or with `host` to that address at its port: whether it gets
 * through to this socket. */
bool rig_connects(int listen_fd, const char *host);

/* Whether it is bound to loopback, or to a path. */
bool rig_is_local(int listen_fd);

/* Whether ::1 can be bound here. */
bool rig_has_ipv6(void);

int rig_open_descriptors(void);

/* "HOST:0" of an address of this machine that others may reach; false when it has none. */
bool rig_outside_address(char *address, size_t size);

#endif
