#include "fake_mhd.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct MHD_Response {
    int users;
    char *body;
    size_t len;
    VEC(struct fake_value) headers;
};

void (*fake_serve)(const struct MHD_Daemon *d);

/* ---- requests ---- */

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

/* %XX, and + where asked for, in place. */
static char *unescape(char *text, bool plus)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        int high = *from == '%' ? digit(from[1]) : -1, low = high >= 0 ? digit(from[2]) : -1;
        if (low >= 0) {
            *to++ = (char)(high << 4 | low);
            from += 2;
        } else
            *to++ = plus && *from == '+' ? ' ' : *from;
    }
    *to = '\0';
    return text;
}

static void add(struct MHD_Connection *c, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct fake_value v = {kind, name, value};
    if (!vec_push(&c->values, v))
        abort();
}

static void read_arguments(struct MHD_Connection *c, char *query)
{
    for (char *at = query, *part; at && *at && (part = strsep(&at, "&"));) {
        char *value = strchr(part, '=');
        if (value)
            *value++ = '\0';
        add(c, MHD_GET_ARGUMENT_KIND, unescape(part, true), value ? unescape(value, true) : NULL);
    }
}

static char *next_line(char **at)
{
    char *line = strsep(at, "\n");
    size_t len = line ? strlen(line) : 0;
    if (len && line[len - 1] == '\r')
        line[len - 1] = '\0';
    return line;
}

static bool read_request(struct MHD_Connection *c, const char *text)
{
    c->lines = strdup(text);
    if (!c->lines)
        abort();
    char *at = c->lines, *first = next_line(&at), *line;
    c->method = strsep(&first, " ");
    c->uri = strsep(&first, " ");
    if (!c->uri || !*c->method || *c->uri != '/')
        return false;
    while ((line = next_line(&at)) && *line) {
        char *value = strchr(line, ':');
        if (!value)
            continue;
        *value++ = '\0';
        add(c, MHD_HEADER_KIND, line, value + strspn(value, " \t"));
    }
    c->body = at ? at : "";
    c->words = strdup(c->uri);
    if (!c->words)
        abort();
    char *query = c->words;
    c->path = unescape(strsep(&query, "?"), false);
    read_arguments(c, query);
    return true;
}

bool fake_exchange(
    struct MHD_Connection *c, const struct MHD_Daemon *d, const struct sockaddr *client, const char *text)
{
    enum { MAX_CALLS = 8 };
    *c = (struct MHD_Connection){.daemon = d, .client = client};
    if (!read_request(c, text))
        return false;
    void *slot = d->begin ? d->begin(d->begin_arg, c->uri, c) : NULL;
    size_t len = strlen(c->body), taken = 0;
    enum MHD_Result result = MHD_YES;
    for (int call = 0; call < MAX_CALLS && result == MHD_YES && !c->response; call++) {
        size_t offered = call == 0 ? 0 : taken < len / 2 ? len / 2 - taken : len - taken, left = offered;
        result = d->handle(
            d->handle_arg, c, c->path, c->method, "HTTP/1.1", offered ? c->body + taken : NULL, &left, &slot);
        taken += offered - left;
    }
    if (d->end)
        d->end(d->end_arg, c, &slot, MHD_REQUEST_TERMINATED_COMPLETED_OK);
    return c->response != NULL;
}

void fake_fini(struct MHD_Connection *c)
{
    if (c->response)
        MHD_destroy_response(c->response);
    vec_fini(&c->values);
    free(c->lines);
    free(c->words);
}

const char *fake_header(const struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value((struct MHD_Connection *)c, MHD_HEADER_KIND, name);
}

bool fake_is_for(const struct MHD_Connection *c, const char *name)
{
    const char *host = fake_header(c, "Host");
    if (!host)
        return false;
    if (*host == '[')
        return !host[1 + strspn(host + 1, "0123456789abcdefABCDEF:.]")];
    return !host[strspn(host, "0123456789.:")] ||
           (strcspn(host, ":") == strlen(name) && strncasecmp(host, name, strlen(name)) == 0);
}

int MHD_get_connection_values(
    struct MHD_Connection *c, enum MHD_ValueKind kind, MHD_KeyValueIterator see, void *arg)
{
    int n = 0;
    for (size_t i = 0; i < c->values.len; i++) {
        const struct fake_value *v = &c->values.items[i];
        if (v->kind != kind)
            continue;
        n++;
        if (see && see(arg, kind, v->name, v->value) != MHD_YES)
            break;
    }
    return n;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind, const char *name)
{
    for (size_t i = 0; i < c->values.len; i++)
        if (c->values.items[i].kind == kind && strcasecmp(c->values.items[i].name, name) == 0)
            return c->values.items[i].value;
    return NULL;
}

enum MHD_Result MHD_set_connection_value(
    struct MHD_Connection *c, enum MHD_ValueKind kind, const char *name, const char *value)
{
    add(c, kind, name, value);
    return MHD_YES;
}

/* ---- answers ---- */

struct MHD_Response *MHD_create_response_from_buffer(
    size_t len, void *bytes, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->users = 1;
    r->body = mode == MHD_RESPMEM_MUST_FREE ? bytes : malloc(len + 1);
    if (!r->body)
        abort();
    if (mode != MHD_RESPMEM_MUST_FREE)
        memcpy(r->body, bytes, len);
    r->len = len;
    return r;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *name, const char *value)
{
    struct fake_value v = {MHD_HEADER_KIND, strdup(name), strdup(value)};
    if (!v.name || !v.value || !vec_push(&r->headers, v))
        abort();
    return MHD_YES;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
    if (c->response) /* an answer to what was answered */
        abort();
    r->users++;
    c->response = r;
    c->status = status;
    return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *r)
{
    if (--r->users)
        return;
    for (size_t i = 0; i < r->headers.len; i++) {
        free((char *)r->headers.items[i].name);
        free((char *)r->headers.items[i].value);
    }
    vec_fini(&r->headers);
    free(r->body);
    free(r);
}

const char *fake_answer_header(const struct MHD_Connection *c, const char *name)
{
    for (size_t i = 0; i < c->response->headers.len; i++)
        if (strcasecmp(c->response->headers.items[i].name, name) == 0)
            return c->response->headers.items[i].value;
    return NULL;
}

const char *fake_answer_body(const struct MHD_Connection *c, size_t *len)
{
    *len = c->response->len;
    return c->response->body;
}

bool fake_answer_is_clean(const struct MHD_Connection *c)
{
    for (size_t i = 0; i < c->response->headers.len; i++)
        for (const char *at = c->response->headers.items[i].value; *at; at++)
            if (iscntrl((unsigned char)*at))
                return false;
    return true;
}

/* ---- daemons ---- */

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
    void *accept_arg, MHD_AccessHandlerCallback handle, void *handle_arg, ...)
{
    struct MHD_Daemon d = {.flags = (enum MHD_FLAG)flags, .handle = handle, .handle_arg = handle_arg};
    va_list args;
    (void)port, (void)accept, (void)accept_arg;
    va_start(args, handle_arg);
    for (int option; (option = va_arg(args, int)) != MHD_OPTION_END;) {
        switch (option) {
        case MHD_OPTION_URI_LOG_CALLBACK:
            d.begin = va_arg(args, void *(*)(void *, const char *, struct MHD_Connection *));
            d.begin_arg = va_arg(args, void *);
            break;
        case MHD_OPTION_NOTIFY_COMPLETED:
            d.end = va_arg(args, MHD_RequestCompletedCallback);
            d.end_arg = va_arg(args, void *);
            break;
        case MHD_OPTION_CONNECTION_MEMORY_LIMIT:
            (void)va_arg(args, size_t);
            break;
        default: /* the others that are in use here are all an int */
            (void)va_arg(args, int);
        }
    }
    va_end(args);
    fake_serve(&d);
    return NULL;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(
    struct MHD_Connection *c, enum MHD_ConnectionInfoType what, ...)
{
    static union MHD_ConnectionInfo info;
    info = (union MHD_ConnectionInfo){.connect_fd = -1};
    if (what == MHD_CONNECTION_INFO_CLIENT_ADDRESS)
        info.client_addr = (struct sockaddr *)c->client;
    else if (what == MHD_CONNECTION_INFO_DAEMON)
        info.daemon = (struct MHD_Daemon *)c->daemon;
    return &info;
}

const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *d, enum MHD_DaemonInfoType what, ...)
{
    static union MHD_DaemonInfo info;
    info = (union MHD_DaemonInfo){.flags = d->flags};
    return what == MHD_DAEMON_INFO_FLAGS ? &info : NULL;
}

/* Who works on it does so at once, so nothing ever waits. */
void MHD_suspend_connection(struct MHD_Connection *c)
{
    (void)c;
}

void MHD_resume_connection(struct MHD_Connection *c)
{
    (void)c;
}

/* Of a daemon that has started, which none does here. */

enum MHD_Result MHD_add_connection(
    struct MHD_Daemon *d, MHD_socket client, const struct sockaddr *address, socklen_t len)
{
    (void)d, (void)client, (void)address, (void)len;
    abort();
}

enum MHD_Result MHD_run(struct MHD_Daemon *d)
{
    (void)d;
    abort();
}

enum MHD_Result MHD_get_timeout(struct MHD_Daemon *d, MHD_UNSIGNED_LONG_LONG *ms)
{
    (void)d, (void)ms;
    abort();
}

void MHD_stop_daemon(struct MHD_Daemon *d)
{
    (void)d;
    abort();
}
