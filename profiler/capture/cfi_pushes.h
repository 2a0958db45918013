#ifndef CAPTURE_CFI_PUSHES_H
#define CAPTURE_CFI_PUSHES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Functions in hand-written assembly that push registers while their call frame information says that nothing
 * happens, as libc's multiplication of long numbers does, which printing a double comes down to. Where it
 * says nothing at all, the code itself is asked: pushes at the beginning, and their reverse before the return
 * at the end.
 */
enum { CFI_MAX_PUSHES = 6 }; /* as many registers as a function has to preserve */

struct cfi_pushes {
    int n;
    uint8_t reg[CFI_MAX_PUSHES]; /* DWARF's number of what the i-th pushes */
    const unsigned char *after_push[CFI_MAX_PUSHES],
        *after_pop[CFI_MAX_PUSHES]; /* the instruction that follows */
};

/* Whether the code in [start, end), which must be readable, is such a function. */
bool cfi_pushes_find(const unsigned char *start, const unsigned char *end, struct cfi_pushes *out);

#endif
