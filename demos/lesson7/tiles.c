/*
 * The server behind a map. Whoever looks at a place gets the tile on which it lies; most look at the same few
 * places, and everybody at some that nobody else looks at.
 *
 *     GET /map/PLACE --> tile_store.c    is the tile kept?     <--> tile_code.c    as what is it kept?
 *                           `--------->  terrain.c   if not, it is drawn, which takes its time
 *                        picture.c       the pixels as a file for browsers
 *
 * The server grows until it is killed. After the last time somebody started it with --budget-mb 0, with which
 * it keeps nothing: it no longer grew, and needed more than twice the processors. One says that it should
 * keep less, another that it should keep more, and each has a profile that proves it. How can both be right?
 */
#include "common/reply.h"
#include "common/webserver.h"
#include "lesson7/picture.h"
#include "lesson7/terrain.h"
#include "lesson7/tile_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MB = 1024 * 1024 };

struct map {
    struct tile_store *store;
    long budget_mb;
};

static enum MHD_Result handle_map(void *closure, struct MHD_Connection *connection, const char *place)
{
    struct map *map = closure;
    if (strlen(place) == 0)
        return reply_text(connection, MHD_HTTP_BAD_REQUEST, "a place has a name\n");
    size_t len = 0;
    unsigned char *picture = picture_new(&len);
    if (picture)
        tile_store_get(map->store, terrain_tile_of(place), picture_pixels(picture));
    return reply_take(connection, MHD_HTTP_OK, "image/bmp", (char *)picture, len);
}

static bool start(void *closure)
{
    struct map *map = closure;
    setenv("CPROF_HEAP_RATE", "65536", 0); /* a budget of 1 MB would be two samples */
    const struct tile_store_config config = {
        .budget_bytes = (size_t)map->budget_mb * MB, .render = terrain_render};
    map->store = tile_store_new(&config);
    if (!map->store)
        fprintf(stderr, "tiles: out of memory\n");
    return map->store != NULL;
}

static void print_stats(void *closure, struct buf *to)
{
    struct map *map = closure;
    struct tile_store_stats stats;
    tile_store_stats(map->store, &stats);
    buf_printf(to, ",\"budget_mb\":%ld,\"asked\":%" PRIu64 ",\"rendered\":%" PRIu64 ",\"kept\":%zu",
        map->budget_mb, stats.asked, stats.rendered, stats.kept);
    buf_printf(to, ",\"cpu_ms\":%.0f", webserver_cpu_ms());
}

static void stop(void *closure)
{
    struct map *map = closure;
    tile_store_free(map->store);
}

int main(int argc, char **argv)
{
    static struct map map = {.budget_mb = 1};
    static const struct webserver_route routes[] = {{"/map", "PLACE", handle_map}};
    const struct knob knobs[] = {{"budget-mb", "N", "what the tiles that are kept may take; 0: keep none",
        KNOB_NUMBER, &map.budget_mb, 0, 4096}};
    struct webserver server = {.name = "tiles",
        .summary =
            "A map of a world of its own, in tiles: the server of lesson 7. GET /map/PLACE shows where\n"
            "the place of that name lies.",
        .routes = routes,
        .nroutes = 1,
        .knobs = knobs,
        .nknobs = 1,
        .load = "--path /map/KEY --rate 150 --hits 95 --popular 20000 --zipf 1",
        .start = start,
        .stats = print_stats,
        .stop = stop,
        .closure = &map};
    return webserver_main(&server, argc, argv);
}
