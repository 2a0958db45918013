#ifndef UI_WEB_ALL_H
#define UI_WEB_ALL_H

#include "ui/collection.h"

/*
 * What the page "All three" shows, and what the views beside it show one profile of:
 *
 *     collection (ui/collection.h) ─► triage ─► JSON, once ─► /ui/all
 *              └► profiles, by what the address says: of=cpu, of=growth ─► /ui/flamegraph, ...
 *
 * Collected again, the one before is kept, to compare with: of=cpu-change. One thread, as all of -http.
 */
struct web_all;

/* Opens the folder that is o's only source, or collects from the URL first, as -triage does. o must outlive
 * it. ERR_CANCELLED, what collection_take() and collection_open() return. */
int web_all_open(
    const struct options *o, const volatile sig_atomic_t *cancel, struct web_all **out, struct error *error);
void web_all_free(struct web_all *all); /* NULL is allowed */

/* The profile that of names (NULL or "": the first there is), which stays until something was collected;
 * *of becomes what it is called. NULL with an error when there is none. */
const struct profile *web_all_profile(struct web_all *all, const char **of, struct error *error);

/* Appends [[of,title,what it says],...] of the profiles that there are. */
void web_all_put_menu(const struct web_all *all, struct buf *out);

/* Appends what the page shows: {"live":bool,"seconds":N,"stats":"...","taken":N,"now":{...},"before":{...} or
 * null}. Each collection is triage_put_json()'s object with title, threads (threadlist_put()) and timeline
 * ([[ms,name,value],...]) in it. */
void web_all_put(const struct web_all *all, struct buf *out);

const char *web_all_title(const struct web_all *all);

/* Begins to collect again, for so many seconds, with figures from stats (see server_stats_url(); "": as
 * before), which has to be of this machine or of the server's host. ERR_INVALID, ERR_UNSUPPORTED for a
 * folder, ERR_BUSY, ERR_IO. */
int web_all_collect(struct web_all *all, const char *seconds, const char *stats, struct error *error);

/* Appends {"running":bool,"ms":N,"seconds":N,"taken":N,"error":"..."}: how far it is. What has come by then
 * is shown from now on: taken counts these times. */
void web_all_put_progress(struct web_all *all, struct buf *out);

#endif
