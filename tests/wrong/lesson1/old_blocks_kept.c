/* fails: memory_at_once */
/* The buffer doubles, and the smaller ones are never freed. */
#include <stddef.h>
static char *copied(const char *text, size_t len, size_t cap);
#define GROW(text, len, cap) copied((text), (len), (cap))
#include "almost.h"

static char *copied(const char *text, size_t len, size_t cap)
{
    return memcpy(malloc(cap), text, len);
}
