#include "export/request.h"

#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

void request_decode(const char *from, size_t len, bool is_query, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < size; i++) {
        char c = from[i];
        int high = c == '%' && i + 2 < len ? digit(from[i + 1]) : -1;
        int low = high >= 0 ? digit(from[i + 2]) : -1;
        if (low >= 0 && high + low > 0) { /* %00 would end the text */
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && is_query)
            c = ' ';
        out[n++] = c;
    }
    out[n] = '\0';
}

bool request_param(const struct request *r, const char *name, char *value, size_t size)
{
    char key[64];
    for (const char *part = r->query; *part;) {
        size_t len = strcspn(part, "&");
        const char *equals = memchr(part, '=', len);
        size_t key_len = equals ? (size_t)(equals - part) : len;
        request_decode(part, key_len, true, key, sizeof key);
        if (strcmp(key, name) == 0) {
            request_decode(
                part + key_len + (equals ? 1 : 0), len - key_len - (equals ? 1 : 0), true, value, size);
            return *value != '\0';
        }
        part += len + (part[len] == '&');
    }
    return false;
}

bool request_number(const char *text, int64_t *number)
{
    const char *digits = text + (*text == '+' || *text == '-');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    long long n = strtoll(text, NULL, 10);
    if (errno)
        return false;
    *number = n;
    return true;
}

bool request_wait(const struct request *r, int64_t ns)
{
    int64_t until = clock_monotonic_ns() + ns;
    struct pollfd watched[2] = {
        {.fd = r->client_fd, .events = POLLRDHUP}, {.fd = r->stop_fd, .events = POLLIN}};
    for (;;) {
        int64_t left = until - clock_monotonic_ns();
        if (left <= 0)
            return true;
        struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        int n = ppoll(watched, 2, &t, NULL);
        if (n > 0)
            return false;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

static void put_error(struct reply *reply, int status, int code, const char *format, va_list args)
{
    buf_fini(&reply->body);
    reply->status = status;
    reply->code = code;
    reply->content_type = "text/plain; charset=utf-8";
    reply->filename[0] = '\0';
    reply->is_go_error = true;
    buf_vprintf(&reply->body, format, args);
    buf_putc(&reply->body, '\n');
}

void reply_error(struct reply *reply, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_error(reply, status, status == 404 ? ERR_NOTFOUND : ERR_INVALID, format, args);
    va_end(args);
}

void reply_failed(struct reply *reply, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_error(reply, code == ERR_LIMIT ? 503 : 500, code, format, args);
    va_end(args);
}
