/*
 * The right session_table.c with seams. Each wrong fix of it in this folder defines a seam, includes this,
 * and is wrong in just that; its first comment names the check that must fail, and those that may fail as
 * well because the mistake cannot be seen by one alone.
 */
#ifndef FREE_SESSION /* what a session that ended leaves */
#define FREE_SESSION(s) session_free(s)
#endif
#ifndef LOCK
#define LOCK(all) pthread_mutex_lock(&(all)->lock)
#define UNLOCK(all) pthread_mutex_unlock(&(all)->lock)
#endif
#ifndef LEAVE_SHELF
#define LEAVE_SHELF(all, link, s) (*(link) = (s)->next)
#endif
#include "lesson2/session_table.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#ifndef SHELVES
#define SHELVES 64
#endif

struct session {
    struct session *next;
    char *token, *settings;
    char *pages[SESSION_PAGES];
    size_t npages;
};

struct sessions {
    pthread_mutex_t lock;
    struct session *shelves[SHELVES];
    struct sessions_stats stats;
};

struct sessions *sessions_new(void)
{
    struct sessions *all = calloc(1, sizeof *all);
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

static void session_free(struct session *s)
{
    for (size_t i = 0; i < s->npages; i++)
        free(s->pages[i]);
    free(s->settings);
    free(s->token);
    free(s);
}

void sessions_free(struct sessions *all)
{
    for (size_t i = 0; i < SHELVES; i++) {
        for (struct session *s = all->shelves[i], *next; s; s = next) {
            next = s->next;
            session_free(s);
        }
    }
    free(all);
}

static struct session **find(struct sessions *all, const char *token)
{
    struct session **link = &all->shelves[hash_bytes(token, strlen(token)) % SHELVES];
    while (*link && strcmp((*link)->token, token) != 0)
        link = &(*link)->next;
    return link;
}

bool sessions_login(struct sessions *all, const char *token, const char *settings)
{
    LOCK(all);
    struct session **link = find(all, token), *s = NULL;
    if (!*link) {
        s = calloc(1, sizeof *s);
        s->token = strdup(token);
        s->settings = strdup(settings);
        s->next = NULL;
        *link = s;
        all->stats.active++;
        all->stats.logins++;
    }
    UNLOCK(all);
    return s != NULL;
}

bool sessions_note(struct sessions *all, const char *token, const char *page)
{
    LOCK(all);
    struct session *s = *find(all, token);
    if (s && s->npages == SESSION_PAGES) {
        free(s->pages[0]);
        memmove(s->pages, s->pages + 1, (SESSION_PAGES - 1) * sizeof *s->pages);
        s->npages--;
    }
    if (s)
        s->pages[s->npages++] = strdup(page);
    UNLOCK(all);
    return s != NULL;
}

bool sessions_logout(struct sessions *all, const char *token)
{
    LOCK(all);
    struct session **link = find(all, token), *s = *link;
    if (s) {
        all->stats.active--;
        all->stats.logouts++;
        LEAVE_SHELF(all, link, s);
        FREE_SESSION(s);
    }
    UNLOCK(all);
    return s != NULL;
}

size_t sessions_shelves(const struct sessions *all)
{
    (void)all;
    return SHELVES;
}

void sessions_visit(struct sessions *all, size_t shelf,
    void (*visit)(void *closure, const struct session_view *session), void *closure)
{
    LOCK(all);
    for (const struct session *s = all->shelves[shelf]; s; s = s->next) {
        struct session_view view = {.token = s->token, .settings = s->settings, .npages = s->npages};
        memcpy(view.pages, s->pages, s->npages * sizeof *s->pages);
        visit(closure, &view);
    }
    UNLOCK(all);
}

void sessions_stats(struct sessions *all, struct sessions_stats *out)
{
    LOCK(all);
    *out = all->stats;
    UNLOCK(all);
}
