#include "base/vec.h"

#include <stdint.h>

bool vec_reserve_bytes(void **items, size_t *cap, size_t len, size_t more, size_t item_bytes)
{
    if (more <= *cap - len)
        return true;
    if (more > SIZE_MAX / 2 - len)
        return false;
    size_t want = *cap ? *cap * 2 : 8;
    if (want < len + more)
        want = len + more;
    if (want > SIZE_MAX / item_bytes)
        return false;
    void *grown = realloc(*items, want * item_bytes);
    if (!grown)
        return false;
    *items = grown;
    *cap = want;
    return true;
}
