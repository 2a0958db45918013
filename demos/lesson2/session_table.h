#ifndef LESSON2_SESSION_TABLE_H
#define LESSON2_SESSION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Who is logged in: for each session its token, a copy of its user's settings, and the pages seen last. Every
 * function may be called from any thread at any time, sessions_free apart.
 */
struct sessions;

struct sessions *sessions_new(void);      /* NULL when memory runs out */
void sessions_free(struct sessions *all); /* with every session that is left; nobody may still use it */

/* Begins a session under the token. False when there is one already, or memory runs out. */
bool sessions_login(struct sessions *all, const char *token, const char *settings);

/* Notes that a page was seen; of more than SESSION_PAGES the oldest is forgotten. False when nobody is logged
 * in under the token, or memory runs out. */
bool sessions_note(struct sessions *all, const char *token, const char *page);

/* Ends the session. False when there is none under the token. */
bool sessions_logout(struct sessions *all, const char *token);

enum { SESSION_PAGES = 8 };

/* A session as others see it, valid for as long as the call that shows it. */
struct session_view {
    const char *token, *settings;
    const char *pages[SESSION_PAGES]; /* the oldest first */
    size_t npages;
};

/*
 * All sessions stand on shelves, numbered from 0, and stay on theirs; there are a few on each. Shows those on
 * one shelf, in no particular order, while nobody can log in or out. To see everybody, visit each shelf.
 */
size_t sessions_shelves(const struct sessions *all); /* how many; always the same */
void sessions_visit(struct sessions *all, size_t shelf,
    void (*visit)(void *closure, const struct session_view *session), void *closure);

struct sessions_stats {
    size_t active;            /* now */
    uint64_t logins, logouts; /* ever */
};

void sessions_stats(struct sessions *all, struct sessions_stats *out);

#endif
