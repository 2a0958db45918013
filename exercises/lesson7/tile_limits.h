#ifndef LESSON7_TILE_LIMITS_H
#define LESSON7_TILE_LIMITS_H

/*
 * The limits of lesson 7's checks, all in one place. That of memory is in the contract,
 * demos/lesson7/tile_store.h: the budget, a quarter more, and TILE_STORE_SPARE_BYTES.
 *
 * Work is basic blocks executed in both modules, and one for each 64 bytes that they have copied or set
 * (counted.h); a tile rendered counts as RENDER_WORK, which is what terrain_render executes. What is done
 * inside other libraries is not counted: a zlib that is called seems free here. It is not, and
 * exercises/lesson7/run.sh --build yours shows it.
 */
#define RENDER_WORK 264000

/* The trace: so many tiles are asked for, of so many places, by Zipf's law (demos/common/zipf.h); two in ten
 * are of one colour, and one in ten cannot be packed at all. To keep all raw takes 8 MB; the budget is a
 * twelfth of that. */
#define TRACE_PLACES 600
#define TRACE_ASKED 6000
#define TRACE_BUDGET_BYTES (640 * 1024)

/* Work for each tile asked for. To keep nothing takes 264,000; ours takes 32,000 and, when other places
 * have become popular, 37,000; a store that keeps 40 tiles raw 89,000, and one that keeps eight 170,000. */
#define WORK_A_TILE_MAX 100000

/* Seconds after which another thread is not let through any more, and after which a case is ended that gave
 * no answer. Watchdogs only: right modules need a millisecond for the first. */
#define RENDEZVOUS_S 4
#define WATCHDOG_S 60

#endif
