#include "ui/server_stats.h"

#include "base/hostname.h"
#include "ui/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char path[] = "/stats";

/* "http://HOST:PORT", of a URL that fetch_url() made: how long that is. */
static size_t origin_length(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? (size_t)(strchrnul(host + 3, '/') - url) : 0;
}

/* The host alone, "[::1]" with its brackets; "localhost" for a socket. */
static void host_of(const char *url, char *out, size_t size)
{
    const char *host = strstr(url, "://");
    bool is_socket = strncasecmp(url, "http+unix:", 10) == 0;
    host = host && !is_socket ? host + 3 : "localhost";
    const char *at = memchr(host, '@', strcspn(host, "/"));
    host = at ? at + 1 : host;
    size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?");
    snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), host);
}

static bool is_port(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n <= 5 && strspn(text, "0123456789") == n && atoi(text) > 0 && atoi(text) < 65536;
}

char *server_stats_url(const char *given, const char *base)
{
    char *url, host[300];
    int seconds;
    if (!given || !*given)
        return asprintf(&url, "%.*s%s", (int)origin_length(base), base, path) < 0 ? NULL : url;
    if (is_port(given)) {
        host_of(base, host, sizeof host);
        return asprintf(&url, "http://%s:%s%s", host, given, path) < 0 ? NULL : url;
    }
    char *whole = fetch_url(given, 0, &seconds);
    const char *scheme = strstr(given, "://"), *rest = scheme ? scheme + 3 : given;
    const char *slash = strchr(rest, '/');
    if (!whole || (slash && slash[1]))
        return whole;
    whole[origin_length(whole)] = '\0';
    int made = asprintf(&url, "%s%s", whole, path);
    free(whole);
    return made < 0 ? NULL : url;
}

bool server_stats_is_near(const char *url, const char *base)
{
    char host[300], own[300];
    host_of(url, host, sizeof host);
    host_of(base, own, sizeof own);
    return strncasecmp(url, "http", 4) == 0 && (strcasecmp(host, own) == 0 || hostname_is_loopback(host)) &&
           *host;
}

bool server_stats_number(const struct buf *json, const char *name, double *out)
{
    char key[80], *end;
    snprintf(key, sizeof key, "\"%s\"", name);
    const char *at = json->data ? strstr(json->data, key) : NULL;
    if (!at)
        return false;
    at += strlen(key);
    at += strspn(at, " \t\r\n");
    if (*at != ':')
        return false;
    double n = strtod(at + 1, &end);
    if (end == at + 1 || !(n > -1e18 && n < 1e18))
        return false;
    *out = n;
    return true;
}
