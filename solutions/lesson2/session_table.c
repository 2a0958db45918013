/*
 * The table of sessions: each shelf is a list of those whose tokens have the same hash. A lock guards it all.
 *
 *     shelves   [ * | . | * | ... ]
 *                 |       |
 *              session  session -> session       a session owns its settings and the names of its pages
 */
#include "lesson2/session_table.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SHELVES = 4096 };

struct session {
    struct session *next; /* on its shelf */
    char *settings;
    char *pages[SESSION_PAGES]; /* the oldest first */
    size_t npages;
    char token[];
};

struct sessions {
    pthread_mutex_t lock; /* guards all below */
    struct session *shelves[SHELVES];
    struct sessions_stats stats;
};

struct sessions *sessions_new(void)
{
    struct sessions *all = calloc(1, sizeof *all);
    if (all)
        pthread_mutex_init(&all->lock, NULL);
    return all;
}

static void session_free(struct session *s)
{
    for (size_t i = 0; i < s->npages; i++)
        free(s->pages[i]);
    free(s->settings);
    free(s);
}

void sessions_free(struct sessions *all)
{
    for (size_t i = 0; all && i < SHELVES; i++) {
        for (struct session *s = all->shelves[i], *next; s; s = next) {
            next = s->next;
            session_free(s);
        }
    }
    free(all);
}

static struct session *session_new(const char *token, const char *settings)
{
    size_t token_bytes = strlen(token) + 1;
    struct session *s = calloc(1, sizeof *s + token_bytes);
    if (!s)
        return NULL;
    memcpy(s->token, token, token_bytes);
    s->settings = strdup(settings);
    if (s->settings)
        return s;
    session_free(s);
    return NULL;
}

/* The link that leads to the token's session, or the one at the end of its shelf. */
static struct session **find(struct sessions *all, const char *token)
{
    struct session **link = &all->shelves[hash_bytes(token, strlen(token)) % SHELVES];
    while (*link && strcmp((*link)->token, token) != 0)
        link = &(*link)->next;
    return link;
}

bool sessions_login(struct sessions *all, const char *token, const char *settings)
{
    struct session *s = session_new(token, settings);
    if (!s)
        return false;
    pthread_mutex_lock(&all->lock);
    struct session **link = find(all, token);
    bool is_new = !*link;
    if (is_new) {
        *link = s;
        all->stats.active++;
        all->stats.logins++;
    }
    pthread_mutex_unlock(&all->lock);
    if (!is_new)
        session_free(s);
    return is_new;
}

static void add_page(struct session *s, char *page)
{
    if (s->npages == SESSION_PAGES) {
        free(s->pages[0]);
        memmove(s->pages, s->pages + 1, (SESSION_PAGES - 1) * sizeof *s->pages);
        s->npages--;
    }
    s->pages[s->npages++] = page;
}

bool sessions_note(struct sessions *all, const char *token, const char *page)
{
    char *copy = strdup(page);
    if (!copy)
        return false;
    pthread_mutex_lock(&all->lock);
    struct session *s = *find(all, token);
    if (s)
        add_page(s, copy);
    pthread_mutex_unlock(&all->lock);
    if (!s)
        free(copy);
    return s != NULL;
}

bool sessions_logout(struct sessions *all, const char *token)
{
    pthread_mutex_lock(&all->lock);
    struct session **link = find(all, token), *s = *link;
    if (s) {
        *link = s->next;
        all->stats.active--;
        all->stats.logouts++;
    }
    pthread_mutex_unlock(&all->lock);
    if (!s)
        return false;
    session_free(s); /* off its shelf, it is nobody's but ours */
    return true;
}

size_t sessions_shelves(const struct sessions *all)
{
    (void)all;
    return SHELVES;
}

void sessions_visit(struct sessions *all, size_t shelf,
    void (*visit)(void *closure, const struct session_view *session), void *closure)
{
    pthread_mutex_lock(&all->lock);
    for (const struct session *s = all->shelves[shelf]; s; s = s->next) {
        struct session_view view = {.token = s->token, .settings = s->settings, .npages = s->npages};
        memcpy(view.pages, s->pages, s->npages * sizeof *s->pages);
        visit(closure, &view);
    }
    pthread_mutex_unlock(&all->lock);
}

void sessions_stats(struct sessions *all, struct sessions_stats *out)
{
    pthread_mutex_lock(&all->lock);
    *out = all->stats;
    pthread_mutex_unlock(&all->lock);
}
