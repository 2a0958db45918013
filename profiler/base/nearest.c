#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 63 }; /* of names compared; longer ones are never near */

static int least(int a, int b, int c)
{
    int least_ab = a < b ? a : b;
    return least_ab < c ? least_ab : c;
}

static int same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Damerau's distance of neighbours, in three rows. */
static int distance(const char *a, size_t la, const char *b, size_t lb)
{
    int rows[3][LONGEST + 1];
    for (size_t k = 0; k <= lb; k++)
        rows[0][k] = (int)k;
    for (size_t i = 1; i <= la; i++) {
        int *now = rows[i % 3], *before = rows[(i + 2) % 3], *swap = rows[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t k = 1; k <= lb; k++) {
            int change = before[k - 1] + !same(a[i - 1], b[k - 1]);
            now[k] = least(before[k] + 1, now[k - 1] + 1, change);
            if (i > 1 && k > 1 && same(a[i - 1], b[k - 2]) && same(a[i - 2], b[k - 1]) &&
                swap[k - 2] + 1 < now[k])
                now[k] = swap[k - 2] + 1;
        }
    }
    return rows[la % 3][lb];
}

struct nearest nearest_begin(const char *typed)
{
    size_t len = strlen(typed);
    return (struct nearest){.typed = typed, .most = len <= LONGEST ? (double)(len / 3) : 0};
}

void nearest_offer(struct nearest *n, const char *name)
{
    size_t typed = strlen(n->typed), len = strlen(name);
    double cost;
    if (typed < 3 || typed > LONGEST || len > LONGEST || !len)
        return;
    if (len > typed && strncmp(n->typed, name, typed) == 0)
        cost = 0.25 * (double)(len - typed);
    else
        cost = distance(n->typed, typed, name, len);
    if (cost > n->most || (n->best && cost >= n->cost))
        return;
    n->best = name;
    n->cost = cost;
}
