#include "capture/unwind_tables.h"

#if defined(__x86_64__)

#include "base/error.h"
#include "base/hash.h"
#include "base/objects.h"
#include "capture/rawlock.h"
#include "capture/region.h"
#include "capture/unwind.h"

#include <link.h>
#include <string.h>

enum { READER_STRIPES = 16, MAX_OBJECTS = 4096 };

/* Who is walking right now, spread over cache lines by thread. */
static struct {
    _Alignas(64) _Atomic uint32_t count;
} readers[READER_STRIPES];

static _Atomic(struct unwind_tables *) current;

/* Guards everything below, and who may publish. */
static struct rawlock rebuild_lock;
static unsigned long long built_adds, built_subs;
static struct unwind_tables *retired;
static bool inherited;     /* in a forked child that has not asked for tables yet */
static unsigned seen_idle; /* stripes seen at zero since the newest of the retired was replaced */

static unsigned stripe_of_thread(void)
{
    static __thread char here;
    return (unsigned)(hash_u64((uintptr_t)&here) % READER_STRIPES);
}

const struct unwind_tables *unwind_tables_enter(_Atomic uint32_t **reader)
{
    *reader = &readers[stripe_of_thread()].count;
    /* Sequentially consistent with the publisher: either it sees our count, or we see its tables. */
    atomic_fetch_add(*reader, 1);
    return atomic_load(&current);
}

static void object_unref(struct unwind_object *o)
{
    if (--o->references == 0)
        region_unmap(o, o->region_bytes);
}

static void tables_free(struct unwind_tables *t)
{
    for (size_t i = 0; i < t->nobjects; i++)
        object_unref(t->objects[i]);
    region_unmap(t->memos, t->region_bytes);
}

static void reclaim_locked(void)
{
    for (unsigned i = 0; i < READER_STRIPES; i++)
        if (atomic_load(&readers[i].count) == 0)
            seen_idle |= 1u << i;
    if (seen_idle != (1u << READER_STRIPES) - 1)
        return;
    while (retired) {
        struct unwind_tables *t = retired;
        retired = t->retired_next;
        tables_free(t);
    }
}

static void publish_locked(struct unwind_tables *t)
{
    struct unwind_tables *old = atomic_exchange(&current, t);
    if (old) {
        old->retired_next = retired;
        retired = old;
        seen_idle = 0;
    }
    reclaim_locked();
}

/* So that no thread of ours is reading the loader's list, with its lock: the child would have that for ever.
 * Others may be; therefore the tables of a child are its parent's, until somebody asks for new ones who can
 * afford to wait. */
void unwind_before_fork(void)
{
    rawlock_lock(&rebuild_lock);
}

void unwind_after_fork_in_parent(void)
{
    rawlock_unlock(&rebuild_lock);
}

void unwind_after_fork(void)
{
    inherited = atomic_load(&current) != NULL;
    rawlock_reset(&rebuild_lock);
    for (unsigned i = 0; i < READER_STRIPES; i++)
        atomic_store(&readers[i].count, 0);
}

/* ---- one object -----------------------------------------------------------------------------------------
 */

/* blocks[i] for all 128-byte blocks, and one more, so that [i] and [i + 1] bound every search. */
static void fill_blocks(uint32_t *blocks, size_t nblocks, const struct cfi_row *rows, size_t nrows)
{
    size_t row = 0;
    for (size_t i = 0; i < nblocks; i++) {
        while (row + 1 < nrows && rows[row + 1].start <= i << TABLES_BLOCK_SHIFT)
            row++;
        blocks[i] = (uint32_t)row;
    }
}

static struct unwind_object *object_new(const struct cfi_object *from, uint64_t identity)
{
    size_t nrows = cfi_compile(from, NULL, 0);
    if (nrows == 0)
        return NULL;
    size_t nblocks = ((from->end - from->start) >> TABLES_BLOCK_SHIFT) + 2;
    size_t bytes = sizeof(struct unwind_object) + nrows * sizeof(struct cfi_row) + nblocks * sizeof(uint32_t);
    struct unwind_object *o = region_map(bytes);
    if (!o)
        return NULL;
    struct cfi_row *rows = (struct cfi_row *)(o + 1);
    uint32_t *blocks = (uint32_t *)(rows + nrows);
    size_t filled = cfi_compile(from, rows, nrows);
    fill_blocks(blocks, nblocks, rows, filled);
    *o = (struct unwind_object){.start = from->start,
        .end = from->end,
        .rows = rows,
        .nrows = filled,
        .blocks = blocks,
        .identity = identity,
        .region_bytes = bytes};
    return o;
}

/* ---- all objects ----------------------------------------------------------------------------------------
 */

struct rebuild {
    struct unwind_tables *next;
    const struct unwind_tables *old;
    unsigned long long adds, subs;
    bool only_counters, failed;
};

static struct unwind_object *find_old(
    const struct unwind_tables *old, const struct cfi_object *o, uint64_t id)
{
    for (size_t i = 0; old && i < old->nobjects; i++)
        if (old->objects[i]->start == o->start && old->objects[i]->identity == id)
            return old->objects[i];
    return NULL;
}

/* The segments of a loaded object, as far as unwinding cares. False when it has no code or no .eh_frame_hdr.
 */
static bool describe(const struct dl_phdr_info *info, struct cfi_object *o)
{
    *o = (struct cfi_object){.start = UINTPTR_MAX, .code_readable = true};
    const ElfW(Phdr) *header = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_GNU_EH_FRAME)
            header = p;
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        o->code_readable &= (p->p_flags & PF_R) != 0;
        o->start = at < o->start ? at : o->start;
        o->end = at + p->p_memsz > o->end ? at + p->p_memsz : o->end;
    }
    if (!header || o->start >= o->end || o->end - o->start > UINT32_MAX)
        return false;
    o->header = (const unsigned char *)(info->dlpi_addr + header->p_vaddr);
    o->header_bytes = header->p_memsz;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && header->p_vaddr >= p->p_vaddr &&
            header->p_vaddr < p->p_vaddr + p->p_memsz) {
            o->readable = (const unsigned char *)(info->dlpi_addr + p->p_vaddr);
            o->readable_end = o->readable + p->p_memsz;
        }
    }
    return o->readable != NULL;
}

static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct rebuild *b = data;
    b->adds = info->dlpi_adds;
    b->subs = info->dlpi_subs;
    struct cfi_object described;
    if (b->only_counters)
        return 1;
    if (b->next->nobjects == MAX_OBJECTS || !describe(info, &described))
        return 0;
    uint64_t identity = hash_mix(described.start, hash_bytes(described.header, described.header_bytes));
    struct unwind_object *o = find_old(b->old, &described, identity);
    if (!o)
        o = object_new(&described, identity);
    if (o) {
        o->references++;
        b->next->objects[b->next->nobjects++] = o;
    } else if (cfi_entries(&described)) {
        b->failed = true;
    }
    return 0;
}

static struct unwind_tables *tables_new(void)
{
    size_t memos = sizeof(struct unwind_memo) << MEMO_BITS;
    size_t bytes = memos + sizeof(struct unwind_tables) + MAX_OBJECTS * sizeof(struct unwind_object *);
    char *region = region_map(bytes);
    if (!region)
        return NULL;
    struct unwind_tables *t = (struct unwind_tables *)(region + memos);
    t->memos = (struct unwind_memo *)region;
    t->region_bytes = bytes;
    return t;
}

static void sort_objects(struct unwind_tables *t)
{
    for (size_t i = 1; i < t->nobjects; i++) {
        struct unwind_object *o = t->objects[i];
        size_t at = i;
        for (; at > 0 && t->objects[at - 1]->start > o->start; at--)
            t->objects[at] = t->objects[at - 1];
        t->objects[at] = o;
    }
}

static int rebuild_locked(void)
{
    struct rebuild b = {.only_counters = true, .old = atomic_load(&current)};
    if (!objects_listable())
        return b.old ? 0 : ERR_UNSUPPORTED;
    dl_iterate_phdr(visit, &b);
    if (b.old && b.adds == built_adds && b.subs == built_subs) {
        if (retired)
            reclaim_locked();
        return 0;
    }
    b.only_counters = false;
    b.next = tables_new();
    if (!b.next)
        return ERR_NOMEM;
    dl_iterate_phdr(visit, &b);
    if (b.failed) {
        tables_free(b.next);
        return ERR_NOMEM;
    }
    sort_objects(b.next);
    built_adds = b.adds;
    built_subs = b.subs;
    publish_locked(b.next);
    return 0;
}

int unwind_prepare(void)
{
    bool has = inherited;
    inherited = false;
    return has ? 0 : unwind_refresh();
}

int unwind_refresh(void)
{
    rawlock_lock(&rebuild_lock);
    int r = rebuild_locked();
    rawlock_unlock(&rebuild_lock);
    return r;
}

#endif
