#ifndef CAPTURE_CFI_H
#define CAPTURE_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The call frame information of one loaded object (.eh_frame, x86-64), compiled into rows sorted by
 * address that a signal handler can apply without interpreting anything:
 *
 *     row ─► how to find the CFA (the stack pointer before the call), and where the caller's rbp and rbx are
 *
 * Only what unwinding needs is kept: the return address is always at CFA-8, and rbp and rbx are the only
 * preserved registers that anything uses as the base of a CFA (rbx: the lazy binder in ld.so).
 */

enum cfi_kind {
    CFI_NONE,  /* no information here */
    CFI_REG,   /* CFA = reg + offset */
    CFI_DEREF, /* CFA = *(reg + offset) + add: realigned stacks, hand-written assembly */
    CFI_PLT, /* CFA = rsp + 8 + (rip % 16 >= offset ? 8 : 0): the expression linkers write for PLT entries */
    CFI_SIGNAL, /* the signal trampoline: everything is in the ucontext at rsp */
    CFI_END,    /* the outermost frame */
};

enum { CFI_RBX = 3, CFI_RBP = 6, CFI_RSP = 7, CFI_NREGS = 16 }; /* DWARF's numbers */

/* Where a register was saved: 0 nowhere (it still has its value), even: at CFA + n, odd: at rbp + (n - 1). */
struct cfi_row {
    uint32_t start; /* from the object's first byte; up to the next row's start */
    int32_t offset;
    int16_t rbp, rbx;
    int16_t add;
    uint8_t kind; /* enum cfi_kind */
    uint8_t reg;
};

/* Where an object's .eh_frame_hdr is and what of the object is mapped. */
struct cfi_object {
    uintptr_t start, end; /* the range rows are made for: its executable segment(s) */
    const unsigned char *header;
    size_t header_bytes;
    const unsigned char *readable, *readable_end; /* .eh_frame is only read within */
    bool code_readable;
};

/* Writes at most max rows to rows and returns how many there are; rows may be NULL when max is 0, to count.
 * Malformed entries become CFI_NONE. Pure; reads only the object. */
size_t cfi_compile(const struct cfi_object *object, struct cfi_row *rows, size_t max);

/* The number of entries in the header's search table, 0 when it has none we can read. */
size_t cfi_entries(const struct cfi_object *object);

#endif
