#include "capture/unwind.h"

#if defined(__x86_64__)

#include "capture/peek.h"
#include "capture/unwind_tables.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

/* ---- reading memory -------------------------------------------------------------------------------------
 */

enum { CHUNK_BYTES = 1024, PAGE_BYTES = 4096 };

/* The stack we may read directly, and, for what lies elsewhere, the last piece the kernel copied for us. */
struct reader {
    struct unwind_memory direct;
    uintptr_t chunk_lo, chunk_hi;
    char chunk[CHUNK_BYTES];
};

static __attribute__((noinline, cold)) bool read_chunk(struct reader *r, uintptr_t at)
{
    uintptr_t page_end = (at | (PAGE_BYTES - 1)) + 1;
    size_t want = page_end - at < CHUNK_BYTES ? page_end - at : CHUNK_BYTES;
    struct iovec to = {r->chunk, want}, from = {(void *)at, want};
    int saved = errno;
    ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    if (n < 0 && peek_is_refused(errno)) {
        peek_by_pipe_sigsafe(r->chunk, &from, 1);
        n = (ssize_t)from.iov_len;
    }
    errno = saved;
    if (n < (ssize_t)sizeof(uintptr_t))
        return false;
    r->chunk_lo = at;
    r->chunk_hi = at + (size_t)n;
    return true;
}

static inline bool read_word(struct reader *r, uintptr_t at, uintptr_t *out)
{
    if (at >= r->direct.lo && at < r->direct.hi && r->direct.hi - at >= sizeof *out) {
        memcpy(out, r->direct.copy + (at - r->direct.lo), sizeof *out);
        return true;
    }
    if (at % sizeof *out != 0)
        return false;
    if (!(at >= r->chunk_lo && at < r->chunk_hi) && !read_chunk(r, at))
        return false;
    memcpy(out, r->chunk + (at - r->chunk_lo), sizeof *out);
    return true;
}

/* ---- finding the row ------------------------------------------------------------------------------------
 */

static const struct unwind_object *find_object(const struct unwind_tables *t, uintptr_t pc)
{
    size_t lo = 0, hi = t->nobjects;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (pc >= t->objects[mid]->end)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->nobjects && pc >= t->objects[lo]->start ? t->objects[lo] : NULL;
}

static const struct cfi_row *find_row(const struct unwind_object *o, uintptr_t pc)
{
    uint32_t offset = (uint32_t)(pc - o->start);
    const uint32_t *block = o->blocks + (offset >> TABLES_BLOCK_SHIFT);
    size_t lo = block[0], hi = block[1];
    while (lo < hi) { /* the last row that starts at offset or before */
        size_t mid = (lo + hi + 1) / 2;
        if (o->rows[mid].start <= offset)
            lo = mid;
        else
            hi = mid - 1;
    }
    return o->rows[lo].start <= offset ? &o->rows[lo] : NULL;
}

static bool recall(struct unwind_memo *m, uintptr_t pc, struct cfi_row *row)
{
    uint64_t words[sizeof m->row / sizeof *m->row];
    if (atomic_load_explicit(&m->pc, memory_order_acquire) != pc)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        words[i] = atomic_load_explicit(&m->row[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    memcpy(row, words, sizeof *row);
    return atomic_load_explicit(&m->pc, memory_order_relaxed) == pc;
}

static void remember(struct unwind_memo *m, uintptr_t pc, const struct cfi_row *row)
{
    uint64_t words[sizeof m->row / sizeof *m->row];
    uintptr_t before = atomic_load_explicit(&m->pc, memory_order_relaxed);
    if (before == MEMO_TAKEN || !atomic_compare_exchange_strong(&m->pc, &before, MEMO_TAKEN))
        return;
    memcpy(words, row, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        atomic_store_explicit(&m->row[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&m->pc, pc, memory_order_release);
}

/* What to do at pc; false where nothing is known of it. */
static bool row_at(const struct unwind_tables *t, uintptr_t pc, struct cfi_row *row)
{
    if (pc <= MEMO_TAKEN)
        return false;
    struct unwind_memo *memo = &t->memos[unwind_memo_of(pc)];
    if (recall(memo, pc, row))
        return true;
    const struct unwind_object *object = find_object(t, pc);
    const struct cfi_row *found = object ? find_row(object, pc) : NULL;
    if (!found)
        return false;
    *row = *found;
    remember(memo, pc, row);
    return true;
}

/* ---- one step -------------------------------------------------------------------------------------------
 */

struct walk {
    struct reader reader;
    struct unwind_regs regs;
    const greg_t *gregs; /* every register, as long as we are in the function that was interrupted */
    bool exact;          /* rip is the instruction itself, not what a call returns to */
};

static bool register_value(const struct walk *w, uint8_t reg, uintptr_t *out)
{
    static const uint8_t from_dwarf[CFI_NREGS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
        REG_RBP, REG_RSP, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    if (reg == CFI_RSP)
        *out = w->regs.rsp;
    else if (reg == CFI_RBP)
        *out = w->regs.rbp;
    else if (reg == CFI_RBX)
        *out = w->regs.rbx;
    else if (w->gregs && reg < CFI_NREGS)
        *out = (uintptr_t)w->gregs[from_dwarf[reg]];
    else
        return false;
    return true;
}

static bool find_cfa(struct walk *w, const struct cfi_row *row, uintptr_t *cfa)
{
    uintptr_t base;
    switch (row->kind) {
    case CFI_REG:
        if (!register_value(w, row->reg, &base))
            return false;
        *cfa = base + (uintptr_t)(intptr_t)row->offset;
        return true;
    case CFI_DEREF:
        if (!register_value(w, row->reg, &base) ||
            !read_word(&w->reader, base + (uintptr_t)(intptr_t)row->offset, cfa))
            return false;
        *cfa += (uintptr_t)(intptr_t)row->add;
        return true;
    case CFI_PLT:
        *cfa = w->regs.rsp + 8 + ((w->regs.rip & 15) >= (uintptr_t)row->offset ? 8 : 0);
        return true;
    }
    return false;
}

static bool restore(struct walk *w, int16_t rule, uintptr_t cfa, uintptr_t *reg)
{
    if (rule == 0)
        return true;
    if (rule & 1)
        return read_word(&w->reader, w->regs.rbp + (uintptr_t)(intptr_t)(rule - 1), reg);
    return read_word(&w->reader, cfa + (uintptr_t)(intptr_t)rule, reg);
}

static bool step_rules(struct walk *w, const struct cfi_row *row)
{
    uintptr_t cfa, rip, rbp = w->regs.rbp, rbx = w->regs.rbx;
    if (!find_cfa(w, row, &cfa) || cfa <= w->regs.rsp || !read_word(&w->reader, cfa - 8, &rip) ||
        !restore(w, row->rbp, cfa, &rbp) || !restore(w, row->rbx, cfa, &rbx))
        return false;
    w->regs = (struct unwind_regs){.rip = rip, .rsp = cfa, .rbp = rbp, .rbx = rbx};
    w->gregs = NULL;
    w->exact = false;
    return true;
}

/* At the trampoline, rsp points to the ucontext the kernel made. */
static bool step_signal(struct walk *w)
{
    uintptr_t at = w->regs.rsp + offsetof(ucontext_t, uc_mcontext.gregs);
    struct unwind_regs up;
    if (!read_word(&w->reader, at + REG_RIP * 8, &up.rip) ||
        !read_word(&w->reader, at + REG_RSP * 8, &up.rsp) ||
        !read_word(&w->reader, at + REG_RBP * 8, &up.rbp) ||
        !read_word(&w->reader, at + REG_RBX * 8, &up.rbx))
        return false;
    /* Every other register is in it, too, and read when it is on the stack we may read. */
    w->gregs = at >= w->reader.direct.lo && at + NGREG * 8 <= w->reader.direct.hi
                   ? (const greg_t *)(w->reader.direct.copy + (at - w->reader.direct.lo))
                   : NULL;
    w->regs = up;
    w->exact = true;
    return true;
}

/* No row: a call through a bad pointer has just pushed its return address; code made at run time keeps a
 * frame pointer, if we are lucky. Only addresses in known code are believed. */
static bool step_guess(struct walk *w, const struct unwind_tables *t)
{
    uintptr_t rip, rbp;
    if (w->exact && read_word(&w->reader, w->regs.rsp, &rip) && find_object(t, rip)) {
        w->regs.rip = rip;
        w->regs.rsp += 8;
    } else if (w->exact && read_word(&w->reader, w->regs.rsp, &rbp) && rbp == w->regs.rbp &&
               read_word(&w->reader, w->regs.rsp + 8, &rip) && find_object(t, rip)) {
        w->regs.rip = rip; /* it has pushed rbp, and not yet set it */
        w->regs.rsp += 16;
    } else if (w->regs.rbp >= w->regs.rsp && w->regs.rbp - w->regs.rsp < (1u << 20) &&
               read_word(&w->reader, w->regs.rbp, &rbp) && read_word(&w->reader, w->regs.rbp + 8, &rip) &&
               find_object(t, rip)) {
        w->regs = (struct unwind_regs){.rip = rip, .rsp = w->regs.rbp + 16, .rbp = rbp, .rbx = w->regs.rbx};
    } else {
        return false;
    }
    w->gregs = NULL;
    w->exact = false;
    return true;
}

static void walk(struct walk *w, const struct unwind_tables *t, struct unwind_stack *out)
{
    uint16_t depth = 0;
    out->truncated = true;
    while (depth < UNWIND_MAX_DEPTH) {
        uintptr_t pc = w->regs.rip;
        if (pc == 0 && depth > 0) {
            out->truncated = false;
            break;
        }
        out->pcs[depth++] = pc;
        pc -= !w->exact;
        struct cfi_row row;
        bool known = row_at(t, pc, &row);
        if (known && row.kind == CFI_END) {
            out->truncated = false;
            break;
        }
        bool stepped = !known || row.kind == CFI_NONE ? step_guess(w, t)
                       : row.kind == CFI_SIGNAL       ? step_signal(w)
                                                      : step_rules(w, &row);
        if (!stepped)
            break;
    }
    out->depth = depth;
}

static void walk_from(const struct unwind_regs *regs, const greg_t *gregs, const struct unwind_memory *memory,
    struct unwind_stack *out)
{
    struct walk w;
    w.reader.direct = *memory;
    w.reader.chunk_lo = w.reader.chunk_hi = 0;
    w.regs = *regs;
    w.gregs = gregs;
    w.exact = true;
    _Atomic uint32_t *reader;
    const struct unwind_tables *t = unwind_tables_enter(&reader);
    if (t) {
        walk(&w, t, out);
    } else {
        out->pcs[0] = regs->rip;
        out->depth = 1;
        out->truncated = true;
    }
    unwind_tables_leave(reader);
}

/* What may be read directly starts at the stack pointer: below is nothing of a live frame. */
static struct unwind_memory from_stack_pointer(const struct unwind_memory *memory, uintptr_t rsp)
{
    if (rsp < memory->lo || rsp >= memory->hi)
        return (struct unwind_memory){0};
    return (struct unwind_memory){rsp, memory->hi, memory->copy + (rsp - memory->lo)};
}

void unwind_context_sigsafe(const void *context, const struct unwind_memory *memory, struct unwind_stack *out)
{
    const greg_t *g = ((const ucontext_t *)context)->uc_mcontext.gregs;
    struct unwind_regs regs = {
        (uintptr_t)g[REG_RIP], (uintptr_t)g[REG_RSP], (uintptr_t)g[REG_RBP], (uintptr_t)g[REG_RBX]};
    struct unwind_memory direct = from_stack_pointer(memory, regs.rsp);
    walk_from(&regs, g, &direct, out);
}

void unwind_here_sigsafe(
    const struct unwind_regs *here, const struct unwind_memory *memory, struct unwind_stack *out)
{
    struct unwind_memory direct = from_stack_pointer(memory, here->rsp);
    walk_from(here, NULL, &direct, out);
}

void unwind_saved_sigsafe(
    const struct unwind_regs *saved, const struct unwind_memory *memory, struct unwind_stack *out)
{
    walk_from(saved, NULL, memory, out);
}

bool unwind_is_code_sigsafe(uintptr_t pc)
{
    _Atomic uint32_t *reader;
    const struct unwind_tables *t = unwind_tables_enter(&reader);
    bool known = t && find_object(t, pc) != NULL;
    unwind_tables_leave(reader);
    return known;
}

#endif
