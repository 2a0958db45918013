#include "capture/cfi.h"

#include "capture/cfi_pushes.h"

#include <stdbool.h>
#include <string.h>

/*
 * .eh_frame_hdr lists every FDE by address; each FDE names a CIE with what they have in common, and both
 * carry a little program that says how the rules change from instruction to instruction. We run each program
 * once and write a row whenever the address advances.
 *
 * Reading goes through a cursor that cannot leave the object; once something is wrong it stays `bad`, so that
 * only the end of a step has to ask.
 */

struct cursor {
    const unsigned char *at, *end;
    bool bad;
};

struct rules {
    uint8_t kind, reg;
    int64_t offset, add;
    int64_t rbp, rbx;  /* as in cfi_row */
    bool outermost;    /* the return address is undefined */
    bool ra_elsewhere; /* it is in a register, as longjmp has it: what is on the stack is a guess as good */
};

enum { MAX_REMEMBERED = 8 };

struct program {
    const struct cfi_object *object;
    uint64_t code_align;
    int64_t data_align;
    uint64_t ra_reg;
    uint8_t encoding;
    bool signal_frame, augmented;
    struct cursor instructions; /* the CIE's */
    struct rules initial;
    struct rules now;
    struct rules remembered[MAX_REMEMBERED];
    int nremembered;
    uintptr_t location, end;
    struct cfi_row *rows;
    size_t nrows, max;
};

static void read_bytes(struct cursor *c, void *out, size_t len)
{
    memset(out, 0, len);
    if (c->bad || (size_t)(c->end - c->at) < len) {
        c->bad = true;
        return;
    }
    memcpy(out, c->at, len);
    c->at += len;
}

static uint8_t read_u8(struct cursor *c)
{
    uint8_t v;
    read_bytes(c, &v, sizeof v);
    return v;
}

static uint16_t read_u16(struct cursor *c)
{
    uint16_t v;
    read_bytes(c, &v, sizeof v);
    return v;
}

static uint32_t read_u32(struct cursor *c)
{
    uint32_t v;
    read_bytes(c, &v, sizeof v);
    return v;
}

static uint64_t read_u64(struct cursor *c)
{
    uint64_t v;
    read_bytes(c, &v, sizeof v);
    return v;
}

static uint64_t read_uleb(struct cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = read_u8(c);
        if (shift < 64)
            v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80) || c->bad)
            return v;
    }
}

static int64_t read_sleb(struct cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0;;) {
        uint8_t byte = read_u8(c);
        if (shift < 64)
            v |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if (byte & 0x80 && !c->bad)
            continue;
        if (byte & 0x40 && shift < 64)
            v |= ~UINT64_C(0) << shift;
        return (int64_t)v;
    }
}

static void skip(struct cursor *c, uint64_t len)
{
    if (c->bad || (uint64_t)(c->end - c->at) < len)
        c->bad = true;
    else
        c->at += len;
}

/* DW_EH_PE_: the low half is the format, the next three bits what it is relative to. */
static uint64_t read_encoded(struct cursor *c, uint8_t encoding, bool relative)
{
    uint64_t from = (uintptr_t)c->at, v;
    switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
    case 0x0c:
        v = read_u64(c);
        break;
    case 0x01:
        v = read_uleb(c);
        break;
    case 0x02:
        v = read_u16(c);
        break;
    case 0x03:
        v = read_u32(c);
        break;
    case 0x09:
        v = (uint64_t)read_sleb(c);
        break;
    case 0x0a:
        v = (uint64_t)(int16_t)read_u16(c);
        break;
    case 0x0b:
        v = (uint64_t)(int32_t)read_u32(c);
        break;
    default:
        c->bad = true;
        return 0;
    }
    if (!relative)
        return v;
    if ((encoding & 0xf0) == 0x10)
        v += from;
    else if ((encoding & 0xf0) != 0)
        c->bad = true;
    return v;
}

/* ---- rows -----------------------------------------------------------------------------------------------
 */

static bool fits16(int64_t v)
{
    return v >= INT16_MIN && v <= INT16_MAX;
}

static void emit_row(struct program *p, uintptr_t location, const struct cfi_row *row)
{
    if (location < p->object->start || location > p->object->end)
        return;
    uint32_t start = (uint32_t)(location - p->object->start);
    /* The row before may be an end marker, or have no length: this one takes its place. */
    if (p->nrows && p->nrows <= p->max && p->rows[p->nrows - 1].start == start)
        p->nrows--;
    if (p->nrows < p->max) {
        p->rows[p->nrows] = *row;
        p->rows[p->nrows].start = start;
    }
    p->nrows++;
}

static void emit(struct program *p)
{
    const struct rules *r = &p->now;
    struct cfi_row row = {.kind = CFI_NONE};
    if (p->signal_frame)
        row.kind = CFI_SIGNAL;
    else if (r->outermost)
        row.kind = CFI_END;
    else if (!r->ra_elsewhere && fits16(r->rbp) && fits16(r->rbx) && fits16(r->add) &&
             r->offset == (int32_t)r->offset)
        row = (struct cfi_row){.kind = r->kind,
            .reg = r->reg,
            .offset = (int32_t)r->offset,
            .add = (int16_t)r->add,
            .rbp = (int16_t)r->rbp,
            .rbx = (int16_t)r->rbx};
    emit_row(p, p->location, &row);
}

static void advance(struct program *p, uint64_t delta)
{
    if (delta == 0)
        return;
    emit(p);
    p->location += delta * p->code_align;
}

/* ---- one instruction ------------------------------------------------------------------------------------
 */

enum {
    OP_DEREF = 0x06,
    OP_PLUS_UCONST = 0x23,
    OP_LIT0 = 0x30,
    OP_BREG0 = 0x70,
};

/* The few expressions that occur: the linker's for PLT entries, "what is stored at reg+n" with or without a
 * constant added, and plain reg+n. */
static void cfa_expression(struct program *p, struct cursor *c)
{
    static const uint8_t plt_tail[] = {0x80, 0, 0x3f, 0x1a, 0, 0x2a, 0x33, 0x24, 0x22};
    uint64_t len = read_uleb(c);
    struct cursor e = {c->at, c->at, c->bad};
    skip(c, len);
    e.end = c->at;
    struct rules *r = &p->now;
    r->kind = CFI_NONE;
    uint8_t op = read_u8(&e);
    if (e.bad || op < OP_BREG0 || op >= OP_BREG0 + CFI_NREGS)
        return;
    int64_t offset = read_sleb(&e);
    if (!e.bad && op == OP_BREG0 + CFI_RSP && offset == 8 && (size_t)(e.end - e.at) == sizeof plt_tail) {
        uint8_t tail[sizeof plt_tail];
        memcpy(tail, e.at, sizeof tail);
        uint8_t threshold = tail[4];
        tail[4] = 0;
        if (memcmp(tail, plt_tail, sizeof tail) == 0 && threshold >= OP_LIT0 && threshold < OP_LIT0 + 16) {
            r->kind = CFI_PLT;
            r->offset = threshold - OP_LIT0;
        }
        return;
    }
    enum cfi_kind kind = CFI_REG;
    int64_t add = 0;
    if (e.at < e.end && *e.at == OP_DEREF) {
        kind = CFI_DEREF;
        e.at++;
    }
    if (e.at < e.end && *e.at == OP_PLUS_UCONST) {
        e.at++;
        add = (int64_t)read_uleb(&e);
    }
    if (e.bad || e.at != e.end)
        return;
    *r = (struct rules){.kind = (uint8_t)kind,
        .reg = op - OP_BREG0,
        .offset = kind == CFI_REG ? offset + add : offset,
        .add = kind == CFI_REG ? 0 : add,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .outermost = r->outermost,
        .ra_elsewhere = r->ra_elsewhere};
}

static void register_rule(struct program *p, uint64_t reg, int64_t rule)
{
    if (reg == CFI_RBP)
        p->now.rbp = rule;
    else if (reg == CFI_RBX)
        p->now.rbx = rule;
    else if (reg == p->ra_reg)
        p->now.outermost = p->now.ra_elsewhere = false;
}

static void register_expression(struct program *p, struct cursor *c)
{
    uint64_t reg = read_uleb(c), len = read_uleb(c);
    struct cursor e = {c->at, c->at, c->bad};
    skip(c, len);
    e.end = c->at;
    if (read_u8(&e) == OP_BREG0 + CFI_RBP) {
        int64_t offset = read_sleb(&e);
        if (!e.bad && e.at == e.end && offset % 2 == 0)
            register_rule(p, reg, offset | 1);
    }
}

static void restore(struct program *p, uint64_t reg)
{
    if (reg == CFI_RBP)
        p->now.rbp = p->initial.rbp;
    else if (reg == CFI_RBX)
        p->now.rbx = p->initial.rbx;
    else if (reg == p->ra_reg) {
        p->now.outermost = p->initial.outermost;
        p->now.ra_elsewhere = p->initial.ra_elsewhere;
    }
}

static void def_cfa(struct program *p, uint64_t reg, int64_t offset)
{
    p->now.kind = reg < CFI_NREGS ? CFI_REG : CFI_NONE;
    p->now.reg = (uint8_t)reg;
    p->now.offset = offset;
    p->now.add = 0;
}

static void extended(struct program *p, struct cursor *c, uint8_t op)
{
    uint64_t reg;
    switch (op) {
    case 0x00: /* nop */
        break;
    case 0x01: /* set_loc */
        emit(p);
        p->location = read_encoded(c, p->encoding, true);
        break;
    case 0x02:
        advance(p, read_u8(c));
        break;
    case 0x03:
        advance(p, read_u16(c));
        break;
    case 0x04:
        advance(p, read_u32(c));
        break;
    case 0x05: /* offset_extended */
        reg = read_uleb(c);
        register_rule(p, reg, (int64_t)read_uleb(c) * p->data_align);
        break;
    case 0x06:
        restore(p, read_uleb(c));
        break;
    case 0x07: /* undefined */
        reg = read_uleb(c);
        if (reg == p->ra_reg)
            p->now.outermost = true;
        break;
    case 0x08: /* same_value */
        register_rule(p, read_uleb(c), 0);
        break;
    case 0x09: /* register: kept in another register, which only the leaf could know */
        reg = read_uleb(c);
        read_uleb(c);
        p->now.ra_elsewhere |= reg == p->ra_reg;
        break;
    case 0x0a:
        if (p->nremembered < MAX_REMEMBERED)
            p->remembered[p->nremembered++] = p->now;
        else
            c->bad = true;
        break;
    case 0x0b:
        if (p->nremembered > 0)
            p->now = p->remembered[--p->nremembered];
        else
            c->bad = true;
        break;
    case 0x0c:
        reg = read_uleb(c);
        def_cfa(p, reg, (int64_t)read_uleb(c));
        break;
    case 0x0d:
        def_cfa(p, read_uleb(c), p->now.offset);
        break;
    case 0x0e:
        p->now.offset = (int64_t)read_uleb(c);
        break;
    case 0x0f:
        cfa_expression(p, c);
        break;
    case 0x10:
        register_expression(p, c);
        break;
    case 0x11: /* offset_extended_sf */
        reg = read_uleb(c);
        register_rule(p, reg, read_sleb(c) * p->data_align);
        break;
    case 0x12:
        reg = read_uleb(c);
        def_cfa(p, reg, read_sleb(c) * p->data_align);
        break;
    case 0x13:
        p->now.offset = read_sleb(c) * p->data_align;
        break;
    case 0x14: /* val_offset, _sf: a register that is an address; neither rbp nor rbx in practice */
    case 0x15:
        read_uleb(c);
        read_uleb(c);
        break;
    case 0x16: /* val_expression */
        read_uleb(c);
        skip(c, read_uleb(c));
        break;
    case 0x2e: /* GNU_args_size */
        read_uleb(c);
        break;
    case 0x2f: /* GNU_negative_offset_extended */
        reg = read_uleb(c);
        register_rule(p, reg, -(int64_t)read_uleb(c) * p->data_align);
        break;
    default:
        c->bad = true;
    }
}

static void run(struct program *p, struct cursor *c)
{
    while (c->at < c->end && !c->bad && p->location < p->end) {
        uint8_t op = read_u8(c), low = op & 0x3f;
        if (op >> 6 == 1)
            advance(p, low);
        else if (op >> 6 == 2)
            register_rule(p, low, (int64_t)read_uleb(c) * p->data_align);
        else if (op >> 6 == 3)
            restore(p, low);
        else
            extended(p, c, op);
    }
}

/* ---- entries --------------------------------------------------------------------------------------------
 */

/* The body of a CIE or FDE at `at`. */
static struct cursor entry_open(const struct cfi_object *o, const unsigned char *at)
{
    struct cursor c = {at, o->readable_end, at < o->readable || at >= o->readable_end};
    uint32_t len = read_u32(&c);
    if (len == 0 || len == UINT32_MAX || (size_t)(c.end - c.at) < len)
        c.bad = true;
    if (!c.bad)
        c.end = c.at + len;
    return c;
}

static void augmentation(struct program *p, struct cursor *c, const char *letters)
{
    struct cursor data = {c->at, c->at, c->bad};
    uint64_t len = read_uleb(c);
    data.at = c->at;
    skip(c, len);
    data.end = c->at;
    for (; *letters && !data.bad; letters++) {
        if (*letters == 'R')
            p->encoding = read_u8(&data);
        else if (*letters == 'L')
            read_u8(&data);
        else if (*letters == 'S')
            p->signal_frame = true;
        else if (*letters == 'P') {
            uint8_t encoding = read_u8(&data);
            read_encoded(&data, encoding, false);
        } else if (*letters != 'B')
            break;
    }
}

static bool cie_open(struct program *p, const unsigned char *at)
{
    struct cursor c = entry_open(p->object, at);
    uint32_t id = read_u32(&c);
    uint8_t version = read_u8(&c);
    if (c.bad || id != 0 || (version != 1 && version != 3))
        return false;
    const char *letters = (const char *)c.at;
    while (read_u8(&c) != 0)
        ;
    if (c.bad)
        return false;
    p->code_align = read_uleb(&c);
    p->data_align = read_sleb(&c);
    p->ra_reg = version == 1 ? read_u8(&c) : read_uleb(&c);
    p->encoding = 0;
    p->augmented = *letters == 'z';
    if (p->augmented)
        augmentation(p, &c, letters + 1);
    else if (*letters)
        return false;
    p->instructions = c;
    return !c.bad;
}

/* ---- pushes that nobody wrote down -----------------------------------------------------------------------
 */

/* From `at` on the first k registers are above the return address. */
static void emit_pushed(struct program *p, const unsigned char *at, const struct cfi_pushes *s, int k)
{
    p->location = (uintptr_t)at;
    p->now = p->initial;
    p->now.offset += 8 * k;
    for (int i = 0; i < k; i++)
        register_rule(p, s->reg[i], -8 * (i + 2));
    emit(p);
}

static void fde_without_program(struct program *p, uintptr_t start)
{
    struct cfi_pushes s;
    if (!cfi_pushes_find((const unsigned char *)start, (const unsigned char *)p->end, &s))
        return;
    emit_pushed(p, (const unsigned char *)start, &s, 0);
    for (int k = 1; k <= s.n; k++)
        emit_pushed(p, s.after_push[k - 1], &s, k);
    for (int k = s.n; k-- > 0;)
        emit_pushed(p, s.after_pop[k], &s, k);
}

/* The return address is where a call leaves it, from the first instruction to the last. */
static bool says_nothing(const struct program *p)
{
    const struct rules *r = &p->now;
    return r->kind == CFI_REG && r->reg == CFI_RSP && r->offset == 8 && !r->rbp && !r->rbx && !r->outermost &&
           !r->ra_elsewhere && !p->signal_frame;
}

static void fde_compile(struct program *p, const unsigned char *at)
{
    struct cursor c = entry_open(p->object, at);
    const unsigned char *id_at = c.at;
    uint32_t back = read_u32(&c);
    p->signal_frame = false;
    p->nremembered = 0;
    p->now = (struct rules){.kind = CFI_NONE};
    if (c.bad || back == 0 || back > (size_t)(id_at - p->object->readable) || !cie_open(p, id_at - back))
        return;
    uintptr_t start = read_encoded(&c, p->encoding, true);
    p->location = start;
    p->end = start + read_encoded(&c, p->encoding, false);
    if (p->augmented)
        skip(&c, read_uleb(&c));
    if (c.bad || p->end <= start || start < p->object->start || p->end > p->object->end)
        return;
    struct cursor common = p->instructions;
    run(p, &common);
    p->initial = p->now;
    p->nremembered = 0;
    run(p, &c);
    if (common.bad || c.bad)
        p->now.kind = CFI_NONE;
    if (p->location < p->end)
        emit(p);
    if (p->location == start && p->object->code_readable && says_nothing(p))
        fde_without_program(p, start);
    emit_row(p, p->end, &(struct cfi_row){.kind = CFI_NONE});
}

size_t cfi_entries(const struct cfi_object *o)
{
    struct cursor c = {o->header, o->header + o->header_bytes, false};
    uint8_t version = read_u8(&c), frame_encoding = read_u8(&c), count_encoding = read_u8(&c),
            table_encoding = read_u8(&c);
    read_encoded(&c, frame_encoding, false);
    uint32_t count = read_u32(&c);
    if (c.bad || version != 1 || count_encoding != 0x03 || table_encoding != 0x3b)
        return 0;
    return count <= (size_t)(c.end - c.at) / 8 ? count : (size_t)(c.end - c.at) / 8;
}

size_t cfi_compile(const struct cfi_object *o, struct cfi_row *rows, size_t max)
{
    size_t n = cfi_entries(o);
    if (n == 0)
        return 0;
    struct program p = {.object = o, .rows = rows, .max = max};
    struct cursor c = {o->header + 4, o->header + o->header_bytes, false};
    read_encoded(&c, o->header[1], false);
    read_u32(&c);
    for (size_t i = 0; i < n; i++) {
        int32_t location = (int32_t)read_u32(&c), entry = (int32_t)read_u32(&c);
        (void)location; /* the FDE says it, too */
        fde_compile(&p, o->header + entry);
    }
    return p.nrows;
}
