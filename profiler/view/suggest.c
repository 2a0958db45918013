#include "view/suggest.h"

#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

static bool is_name(const char *pattern)
{
    for (; *pattern; pattern++)
        if (!isalnum((unsigned char)*pattern) && !strchr("_.:", *pattern))
            return false;
    return true;
}

/* Offers the parts of a name, each for the whole. */
static void offer_parts(struct nearest *n, const char *name)
{
    for (const char *at = name; *at;) {
        char part[64];
        size_t len = 0;
        while (!isalnum((unsigned char)*at) && *at)
            at++;
        for (; isalnum((unsigned char)*at); at++)
            if (len + 1 < sizeof part)
                part[len++] = *at;
        part[len] = '\0';
        struct nearest one = nearest_begin(n->typed);
        nearest_offer(&one, part);
        if (one.best && (!n->best || one.cost < n->cost)) {
            n->cost = one.cost;
            n->best = name;
        }
    }
}

const char *suggest_function(const struct profile *p, const char *pattern)
{
    struct nearest near = nearest_begin(pattern);
    if (!is_name(pattern))
        return NULL;
    for (size_t i = 0; i < p->functions.len; i++) {
        nearest_offer(&near, p->functions.items[i].name);
        offer_parts(&near, p->functions.items[i].name);
    }
    return near.best;
}
