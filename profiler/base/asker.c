#include "base/asker.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Whether an Origin is http://HOST or https://HOST. */
static bool is_of_host(const char *origin, const char *host)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; host && i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(origin, schemes[i], len) == 0 && strcasecmp(origin + len, host) == 0)
            return true;
    }
    return false;
}

bool asker_is_foreign(const struct asker *a)
{
    if (!a->fetch_site) /* older browsers */
        return a->origin && !is_of_host(a->origin, a->host);
    if (strcmp(a->fetch_site, "same-origin") == 0 || strcmp(a->fetch_site, "none") == 0)
        return false;
    /* A form of another site's that is sent by POST becomes a page, too, but has an Origin. */
    return a->origin || !a->fetch_dest || strcmp(a->fetch_dest, "document") != 0;
}
