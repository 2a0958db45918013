/* The rig around the modules under test; see session_rig.h. */
#include "session_rig.h"

#include "module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool session_module_load(struct session_module *out, const char *stem, const char *ending)
{
    static const char *const NAMES[] = {"sessions_new", "sessions_free", "sessions_login", "sessions_note",
        "sessions_logout", "sessions_shelves", "sessions_visit", "sessions_stats", NULL};
    return module_load(out, NAMES, stem, ending);
}

bool report_module_load(struct report_module *out, const char *stem, const char *ending)
{
    static const char *const NAMES[] = {"report_new", "report_read", "report_free", NULL};
    return module_load(out, NAMES, stem, ending);
}

/* ---- a table for reports --------------------------------------------------------------------------------
 */

struct sessions {
    size_t nsessions, nshelves;
    size_t *first; /* of each shelf, the number of its first session; one more than shelves */
    bool *gone;
};

enum { LAST_SHELF = 40 };

struct sessions *rig_table_new(size_t nsessions)
{
    static const size_t EACH[] = {2, 0, 5, 2};
    struct sessions *table = calloc(1, sizeof *table);
    if (!table)
        abort();
    table->nsessions = nsessions;
    table->gone = calloc(nsessions + 1, sizeof *table->gone);
    table->first = calloc(nsessions + 3, sizeof *table->first);
    if (!table->gone || !table->first)
        abort();
    size_t n = 0;
    while (n < nsessions) {
        size_t each = nsessions - n <= LAST_SHELF ? nsessions - n : EACH[table->nshelves % 4];
        n += each;
        table->first[++table->nshelves] = n;
    }
    table->nshelves++; /* and an empty one at the end */
    table->first[table->nshelves] = n;
    return table;
}

void rig_table_free(struct sessions *table)
{
    free(table->first);
    free(table->gone);
    free(table);
}

void rig_table_leave(struct sessions *table, size_t n)
{
    table->gone[n] = true;
}

bool rig_table_has(const struct sessions *table, size_t n)
{
    return !table->gone[n];
}

/* Session n, with its texts in room of the caller's. */
struct drawn {
    char token[32], settings[480], pages[SESSION_PAGES][32];
    struct session_view view;
};

static void draw(struct drawn *d, size_t n)
{
    snprintf(d->token, sizeof d->token, "rig-%zu", n);
    size_t len = 0, bytes = 380 + n % 50;
    while (len < bytes)
        len += (size_t)snprintf(d->settings + len, sizeof d->settings - len, "%zu=%zu;", len, n);
    d->view = (struct session_view){.token = d->token, .settings = d->settings};
    d->view.npages = n % 9 > SESSION_PAGES ? SESSION_PAGES : n % 9;
    for (size_t i = 0; i < d->view.npages; i++) {
        snprintf(d->pages[i], sizeof d->pages[i], "/page/%zu", n + i);
        d->view.pages[i] = d->pages[i];
    }
}

size_t rig_table_line(size_t n, char line[RIG_LINE_BYTES])
{
    struct drawn d = {0};
    char pages[SESSION_PAGES * 33] = "";
    draw(&d, n);
    for (size_t i = 0; i < d.view.npages; i++) {
        strcat(pages, i ? "," : "");
        strcat(pages, d.pages[i]);
    }
    return (size_t)snprintf(
        line, RIG_LINE_BYTES, "%s\t%zu\t%s\t%s\n", d.token, d.view.npages, pages, d.settings);
}

size_t sessions_shelves(const struct sessions *table)
{
    return table->nshelves;
}

void sessions_visit(struct sessions *table, size_t shelf,
    void (*visit)(void *closure, const struct session_view *session), void *closure)
{
    static struct drawn d; /* one for all, so that the next one overwrites it in any case */
    if (shelf >= table->nshelves)
        abort();
    for (size_t n = table->first[shelf]; n < table->first[shelf + 1]; n++) {
        if (table->gone[n])
            continue;
        draw(&d, n);
        visit(closure, &d.view);
        memset(&d, 'x', sizeof d);
        d.token[sizeof d.token - 1] = d.settings[sizeof d.settings - 1] = '\0';
    }
}
