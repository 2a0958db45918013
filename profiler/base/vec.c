#include "base/vec.h"

#include <stdint.h>

void (*vec_grew)(void *block, size_t bytes);

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
    if (vec_grew)
        vec_grew(grown, want * item_bytes);
    *items = grown;
    *cap = want;
    return true;
}
