/* What a user has set up. A real server reads it from its database; ours makes it up, the same each time. */
#include "lesson2/settings.h"

#include "base/hash.h"

#include <stdio.h>
#include <string.h>

void settings_write(char *to, size_t cap, const char *token)
{
    static const char *const NAMES[] = {"column", "filter", "colour", "shortcut", "signature", "folder"};
    uint64_t random = hash_bytes(token, strlen(token));
    for (size_t len = 0; len + 1 < cap;) {
        random = hash_u64(random + 1);
        int n = snprintf(to + len, cap - len, "%s-%u=%llx;", NAMES[random % 6],
            (unsigned)(random >> 32) % 1000, (unsigned long long)random);
        len = len + (size_t)n < cap ? len + (size_t)n : cap - 1;
    }
}
