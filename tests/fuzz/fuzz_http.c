#include "fuzz.h"

#include "cprof.h"
#include "export/direct.h"
#include "export/listener.h"
#include "export/mount.h"
#include "export/server.h"
#include "fake_capture.h"
#include "fake_mhd.h"
#include "ui/web_listen.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A request to libcprof, through the server and past its guard to the endpoints, and what may be said to who
 * asks. The first line is the scene, a letter each; the request follows.
 *
 *     t  there is a token               r  others may ask                 u  through a unix socket
 *     m  in a program's own server, with s that can suspend, with c a thread a connection
 *     f  from another machine           o  libcprof is off                b  all workers are busy
 *     l  the client leaves              e  no profile can be made
 *     w  no request: what cprof_write() is given                          a  an address to listen on
 */
static const char token[] = "sesame";

static bool has(const char *scene, char letter)
{
    return strchr(scene, letter) != NULL;
}

/* ---- what must hold of an answer ---- */

static bool knows_token(const char *authorization)
{
    return authorization && strlen(authorization) == 7 + strlen(token) &&
           strcmp(authorization + 7, token) == 0;
}

static void check_guard(const struct MHD_Connection *c, const char *scene)
{
    static const char *const by_proxies[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};
    if (c->status == 403 || c->status == 401)
        return;
    fuzz_require(!has(scene, 't') || knows_token(fake_header(c, "Authorization")), "an answer",
        "to somebody without the token");
    fuzz_require(fake_capture.guard.allow_remote || has(scene, 'u') || !fake_header(c, "Host") ||
                     fake_is_for(c, "localhost"),
        "an answer", "to a page of somebody's");
    if (!has(scene, 'm'))
        return;
    fuzz_require(fake_capture.guard.allow_remote || has(scene, 'u') || !has(scene, 'f'), "an answer",
        "to somebody from elsewhere");
    for (size_t i = 0; i < sizeof by_proxies / sizeof *by_proxies; i++)
        fuzz_require(
            has(scene, 't') || !fake_header(c, by_proxies[i]), "an answer", "that goes through a proxy");
}

static bool is_status(unsigned status)
{
    static const unsigned all[] = {200, 301, 400, 401, 403, 404, 405, 413, 500, 501, 503};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] == status)
            return true;
    return false;
}

static void check_answer(const struct MHD_Connection *c, const char *scene)
{
    size_t len;
    const char *body = fake_answer_body(c, &len), *nosniff = fake_answer_header(c, "X-Content-Type-Options");
    fuzz_require(is_status(c->status), "an answer", "with a status of its own");
    fuzz_require(fake_answer_is_clean(c), "a header", "of several lines");
    fuzz_require(nosniff && strcmp(nosniff, "nosniff") == 0 && fake_answer_header(c, "Content-Type"),
        "an answer", "that says not what it is");
    fuzz_require(c->status != 500 || has(scene, 'e'), "an answer", body);
    if (c->status != 200)
        fuzz_require(len > 1 && memchr(body, '\n', len) == body + len - 1, "an error", "of more than a line");
    check_guard(c, scene);
}

/* ---- a request ---- */

static struct MHD_Connection connection;
static const char *request, *scene;

static const struct sockaddr *client(void)
{
    static const struct sockaddr_un local = {.sun_family = AF_UNIX};
    static struct sockaddr_in remote = {.sin_family = AF_INET};
    remote.sin_addr.s_addr = htonl(has(scene, 'f') ? 0x0a000007 : INADDR_LOOPBACK);
    return has(scene, 'u') ? (const struct sockaddr *)&local : (const struct sockaddr *)&remote;
}

static void serve(const struct MHD_Daemon *d)
{
    if (fake_exchange(&connection, d, client(), request))
        check_answer(&connection, scene);
    fake_fini(&connection);
}

static enum MHD_Result handle_mounted(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload, size_t *len, void **slot)
{
    (void)arg, (void)version, (void)slot;
    int result = mount_handle(c, url, method, upload, len);
    fuzz_require(result != CPROF_MHD_NOT_MINE || !c->response, "an answer", "to what is not ours");
    return result == MHD_YES ? MHD_YES : MHD_NO;
}

static void ask_mounted(void)
{
    unsigned flags = has(scene, 'c')   ? MHD_USE_THREAD_PER_CONNECTION
                     : has(scene, 's') ? MHD_ALLOW_SUSPEND_RESUME
                                       : 0;
    serve(&(struct MHD_Daemon){.flags = (enum MHD_FLAG)flags, .handle = handle_mounted});
}

static void ask_server(void)
{
    struct server_config config = {.listen_fd = -1, .is_unix = has(scene, 'u'), .guard = &fake_capture.guard};
    struct server *server;
    struct error error = {0};
    fake_serve = serve;
    fuzz_require(server_start(&config, &server, &error) == ERR_IO, "a server", "that has begun");
}

/* ---- others ---- */

static void write_profile(const char *name)
{
    static int nowhere = -1;
    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int code = direct_write(name, nowhere);
    fuzz_require(code != 0 || !has(scene, 'o'), "a profile", "of what is off");
    fuzz_require(code <= 0, "a code", "of none");
}

int __wrap_getaddrinfo(
    const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found);

/* Nothing is ever bound. */
int __wrap_getaddrinfo(
    const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)hints, (void)found;
    fuzz_require(*host && strlen(host) < 256, "a host", "of no length that has a name");
    fuzz_require(*port && strlen(port) <= 5 && !port[strspn(port, "0123456789")] && atoi(port) <= 65535,
        "a port", port);
    return EAI_NONAME;
}

int __real_web_listen(const char *address, struct web_listener *out, struct error *error);

static void listen_on(const char *address)
{
    char name[LISTENER_NAME_BYTES];
    struct web_listener web;
    struct error error = {0};
    int fd;
    if (strncmp(address, "unix:", 5) == 0) /* which would be made */
        return;
    fuzz_require(
        listener_open(address, true, &fd, name, &error) == ERR_INVALID && *error.text, "an address", address);
    error = (struct error){0};
    fuzz_require(
        __real_web_listen(address, &web, &error) == ERR_INVALID && *error.text, "an address", address);
}

void fuzz_http(const uint8_t *bytes, size_t len)
{
    char *text = strndup((const char *)bytes, len), *at = text;
    fuzz_require(text != NULL, "malloc", "out of memory");
    scene = strsep(&at, "\n");
    request = at ? at : "";
    fake_capture = (struct fake_capture){
        .guard = {.allow_remote = has(scene, 'r') && has(scene, 't'), .token = has(scene, 't') ? token : ""},
        .is_off = has(scene, 'o'),
        .is_busy = has(scene, 'b'),
        .clients_leave = has(scene, 'l'),
        .refuses = has(scene, 'e') ? ERR_IO : 0};
    if (has(scene, 'a'))
        listen_on(request);
    else if (has(scene, 'w'))
        write_profile(request);
    else if (has(scene, 'm'))
        ask_mounted();
    else
        ask_server();
    fuzz_require(fake_capture.sessions == 0, "a session", "that nobody ends");
    free(text);
}
