#include "capture/cfi_pushes.h"

#include "capture/cfi.h"

enum { PUSH = 0x50, POP = 0x58, RET = 0xc3, HIGH_REGISTERS = 0x41 };

/* The instruction push (or pop) reg at `at`: its length and reg, 0 when it is another. */
static int one_register(const unsigned char *at, const unsigned char *end, uint8_t opcode, uint8_t *reg)
{
    static const uint8_t to_dwarf[8] = {0, 2, 1, CFI_RBX, CFI_RSP, CFI_RBP, 4, 5};
    bool high = at < end && *at == HIGH_REGISTERS;
    if (at + high >= end || (at[high] & 0xf8) != opcode)
        return 0;
    *reg = high ? 8 + (at[high] & 7) : to_dwarf[at[high] & 7];
    return 1 + high;
}

static void find_pushes(const unsigned char *at, const unsigned char *end, struct cfi_pushes *out)
{
    int length;
    out->n = 0;
    while (out->n < CFI_MAX_PUSHES && (length = one_register(at, end, PUSH, &out->reg[out->n])) > 0)
        out->after_push[out->n++] = at += length;
}

/* Backwards from the return: the first pushed is the last popped. */
static bool find_pops(const unsigned char *end, struct cfi_pushes *out)
{
    const unsigned char *at = end - 1;
    if (out->n == 0 || at < out->after_push[out->n - 1] || *at != RET)
        return false;
    for (int i = 0; i < out->n; i++) {
        uint8_t reg;
        int length = out->reg[i] >= 8 ? 2 : 1;
        out->after_pop[i] = at;
        if (at - out->after_push[out->n - 1] < length)
            return false;
        at -= length;
        if (one_register(at, end, POP, &reg) != length || reg != out->reg[i])
            return false;
    }
    return true;
}

bool cfi_pushes_find(const unsigned char *start, const unsigned char *end, struct cfi_pushes *out)
{
    find_pushes(start, end, out);
    return find_pops(end, out);
}
