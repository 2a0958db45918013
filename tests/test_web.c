#include "gateway_profile.h"
#include "hostile_profile.h"
#include "model/codec.h"
#include "ui/interrupt.h"
#include "ui/web.h"
#include "ui/web_listen.h"
#include "ui/web_query.h"
#include "ui/web_saved.h"
#include "ui/web_views.h"
#include "web_rig.h"

#include <sys/stat.h>

/* pprof -http as a client of HTTP sees it; tests/web_browser.sh has a browser look at it. */

/* A pprof of its own that serves p at `where`, with the options of the line. */
static struct served serve(struct profile *p, const char *where, char *const extra[])
{
    struct served s = {0};
    int fds[2];
    char line[256] = "", *argv[12] = {"pprof", "-no_browser", (char[80]){""}};
    int argc = 3;
    snprintf(argv[2], 80, "-http=%s", where);
    for (int i = 0; extra && extra[i]; i++)
        argv[argc++] = extra[i];
    argv[argc++] = "profile";
    argv[argc] = NULL;
    ck_assert_int_eq(pipe(fds), 0);
    s.pid = fork();
    if (s.pid == 0) {
        struct options o;
        struct error error = {0};
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        interrupt_catch();
        int code = options_parse(&o, argc, argv, &error);
        code = code ? code : web_serve(p, &o, &error);
        if (code)
            fprintf(stderr, "%s\n", error.text);
        options_fini(&o);
        profile_free(p);
        _exit(code ? 2 : 0);
    }
    close(fds[1]);
    FILE *out = fdopen(fds[0], "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, out));
    fclose(out);
    ck_assert_msg(sscanf(strrchr(line, ':'), ":%u", &s.port) == 1, "%s", line);
    snprintf(s.address, sizeof s.address, "127.0.0.1:%u", s.port);
    profile_free(p);
    return s;
}

START_TEST(test_views)
{
    struct served s = serve(gateway_profile(), "localhost:0", NULL);
    SHOWS(&s, "/ui/", 200, "<!DOCTYPE html>", "\"view\":\"flamegraph\"", "\"types\":[\"samples\",\"cpu\"]",
        "\"type\":1", "\"unit\":\"nanoseconds\"", "\"step\": 10000000", "\"list_move\"", "File: gateway");
    SHOWS(&s, "/ui/flamegraph", 200, "\"view\":\"flamegraph\"");
    SHOWS(&s, "/ui/top", 200, "\"view\":\"top\"", "\"flat\": 450000000", "\"name\": \"list_move\"");
    SHOWS(&s, "/ui/peek?f=json_object", 200, "\"view\":\"peek\"", "| json_object");
    SHOWS(&s, "/ui/source?f=list_move", 200, "\"view\":\"source\"", "h2>list_move");
    SHOWS(&s, "/ui/disasm?f=list_move", 400, "\"view\":\"disasm\"", "no matches found for regexp: list_move");
    SHOWS(&s, "/ui/app.js", 200, "'use strict'");
    SHOWS(&s, "/ui/style.css", 200, "prefers-color-scheme");
    /* Nothing chosen: the functions with the heaviest own weight. */
    SHOWS(&s, "/ui/peek", 200, "list_move", "json_escape");
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

START_TEST(test_graph)
{
    struct served s = serve(gateway_profile(), "localhost:0", NULL);
    struct answer a = get(&s, "/ui/graph");
    ck_assert_msg(a.status == 200 || a.status == 501, "status %d", a.status);
    ck_assert_ptr_nonnull(
        strstr(a.body, a.status == 200 ? "\\u003csvg" : "dot, which draws the graph, is not installed"));
    ck_assert_ptr_null(strstr(a.body, "script type=\\\"text/ecmascript"));
    buf_fini(&a.all);
    ck_assert_int_eq(end(&s), 0);

    setenv("PATH", "/nowhere", 1);
    s = serve(gateway_profile(), "localhost:0", NULL);
    SHOWS(&s, "/ui/graph", 501, "the package graphviz has it", "\"view\":\"graph\"");
    SHOWS(&s, "/ui/top", 200, "list_move");
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

START_TEST(test_paths)
{
    struct served s = serve(gateway_profile(), "127.0.0.1:0", NULL);
    static const char *const none[] = {"/nope", "/ui/nope", "/ui/page.html", "/ui/top/", "/UI/", "/ui//top",
        "/ui/../ui/top", "/debug/pprof/", "/favicon.ico", "/ui/%2e%2e/top"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        shows(&s, none[i], 404, NULL);
    static const char *const moved[][2] = {{"/", "Location: /ui/"},
        {"/ui?f=a%26b%3Dc&si=cpu", "Location: /ui/?f=a%26b%3Dc&si=cpu"},
        {"/ui/flamegraph2", "Location: /ui/flamegraph"},
        {"/?f=x%0d%0aSet-Cookie:a", "Location: /ui/?f=x%0D%0ASet-Cookie%3Aa"}};
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        struct answer a = get(&s, moved[i][0]);
        ck_assert_msg(a.status == 307 && has_header(&a, moved[i][1]), "%s: %s", moved[i][0], a.all.data);
        ck_assert(!names_header(&a, "Set-Cookie"));
        buf_fini(&a.all);
    }
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct answer a = receive(ask_at(s.address, methods[i], "/ui/", NULL, "a body"));
        ck_assert_msg(
            a.status == 405 && has_header(&a, "Allow: GET, HEAD"), "%s: %s", methods[i], a.all.data);
        buf_fini(&a.all);
    }
    struct answer a = receive(ask_at(s.address, "HEAD", "/ui/", NULL, NULL));
    ck_assert(a.status == 200 && a.body_len == 0);
    buf_fini(&a.all);
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

START_TEST(test_parameters)
{
    char *const extra[] = {"-focus=json_write", "-nodecount=3", NULL};
    struct served s = serve(gateway_profile(), "localhost:0", extra);
    /* The command line is where the URL begins. */
    SHOWS(&s, "/ui/top", 200, "\"defaults\":{\"f\":\"json_write\",\"n\":\"3\"}", "\"total\": 1050000000");
    struct answer a = get(&s, "/ui/top?f=&n=-1");
    ck_assert_ptr_nonnull(strstr(a.body, "cache_get"));
    buf_fini(&a.all);
    a = get(&s, "/ui/top?f=&i=cache_get&h=json_escape&n=50");
    ck_assert_ptr_null(strstr(a.body, "cache_get"));
    ck_assert_ptr_null(strstr(a.body, "json_escape"));
    ck_assert_ptr_nonnull(strstr(a.body, "json_object"));
    buf_fini(&a.all);
    SHOWS(&s, "/ui/top?si=samples", 200, "\"unit\": \"count\"", "\"type\":0");
    SHOWS(&s, "/ui/top?f=&g=lines&n=50", 200, "list_move demos/lesson6/cache.c:");
    SHOWS(&s, "/ui/top?f=&s=cache&n=50", 200, "cache_get");
    SHOWS(&s, "/ui/?f=&sf=json_object&unknown=1", 200, "\"json_object\"");
    SHOWS(&s, "/ui/top?f=nosuchthing", 200, "Focus expression matched no samples");
    SHOWS(&s, "/ui/top?f=%28", 400, "missing closing parenthesis");
    SHOWS(&s, "/ui/top?n=many", 400, "not a whole number");
    SHOWS(&s, "/ui/top?si=nothing", 400, "must be one of: [samples cpu]");
    SHOWS(&s, "/ui/top?g=colours", 400, "one of functions");
    SHOWS(&s, "/ui/top?output=%2Ftmp%2Fx&source_path=%2Fetc&divide_by=2", 200, "\"total\": 1050000000");
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

START_TEST(test_hosts)
{
    struct served s = serve(gateway_profile(), "localhost:0", NULL);
    static const struct {
        const char *headers;
        int status;
    } cases[] = {{"Host: localhost\r\n", 200}, {"Host: LOCALHOST:1\r\n", 200}, {"Host: 127.0.0.1\r\n", 200},
        {"Host: 127.9.9.9:80\r\n", 200}, {"Host: [::1]:6060\r\n", 200}, {"Host: evil.example\r\n", 403},
        {"Host: localhost.evil.example\r\n", 403}, {"Host: 127.0.0.1.evil.example\r\n", 403},
        {"Host: 10.0.0.1\r\n", 403}, {"Host: [fe80::1]\r\n", 403}, {"Host: localhost@evil\r\n", 403},
        {"Host: \r\n", 403}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const char *const paths[] = {"/ui/", "/ui/download", "/ui/app.js", "/nope"};
        for (size_t k = 0; k < 4; k++) {
            struct answer a = receive(ask_at(s.address, "GET", paths[k], cases[i].headers, NULL));
            int wanted = cases[i].status == 200 && k == 3 ? 404 : cases[i].status;
            ck_assert_msg(
                a.status == wanted, "%s%s: %d, wanted %d", cases[i].headers, paths[k], a.status, wanted);
            ck_assert_msg(wanted != 403 || !strstr(a.body, "gateway"), "a refusal tells of the profile");
            buf_fini(&a.all);
        }
    }
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

/* A page of another site's has no report made, which it could not read anyhow; a link of its can be followed.
 */
START_TEST(test_foreign_pages)
{
    struct served s = serve(gateway_profile(), "localhost:0", NULL);
    static const char *const foreign[] = {"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: script\r\n",
        "Sec-Fetch-Site: same-site\r\nSec-Fetch-Dest: empty\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: iframe\r\n", "Origin: http://evil.example\r\n",
        "Origin: null\r\n"};
    static const char *const paths[] = {"/ui/", "/ui/top", "/ui/download", "/ui/app.js", "/nope"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
            char headers[200];
            snprintf(headers, sizeof headers, "Host: localhost\r\n%s", foreign[i]);
            struct answer a = receive(ask_at(s.address, "GET", paths[k], headers, NULL));
            ck_assert_msg(a.status == 403, "%s%s: %d", headers, paths[k], a.status);
            ck_assert_msg(!strstr(a.body, "gateway"), "a refusal tells of the profile");
            buf_fini(&a.all);
        }
    struct answer a = receive(ask_at(s.address, "GET", "/ui/",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\n", NULL));
    ck_assert_int_eq(a.status, 200);
    buf_fini(&a.all);
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

/* Where others may come, their names for this machine are addresses, or what -http was given. */
START_TEST(test_known_hosts)
{
    struct web_listener everybody = {.host = "0.0.0.0"}, named = {.host = "build.example"};
    ck_assert(web_listener_knows(&everybody, "192.168.1.7:8080"));
    ck_assert(web_listener_knows(&everybody, "[fe80::1]:8080"));
    ck_assert(web_listener_knows(&everybody, "localhost:8080"));
    ck_assert(!web_listener_knows(&everybody, "evil.example"));
    ck_assert(!web_listener_knows(&everybody, NULL));
    ck_assert(web_listener_knows(&named, "Build.example:8080"));
    ck_assert(!web_listener_knows(&named, "build.example.evil"));
    ck_assert(!web_listener_knows(&named, "build.example:80:80"));
}
END_TEST

START_TEST(test_headers)
{
    struct served s = serve(gateway_profile(), "localhost:0", NULL);
    static const char *const paths[] = {"/ui/", "/ui/top?f=%28", "/ui/app.js", "/ui/download", "/nope", "/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct answer a = get(&s, paths[i]);
        ck_assert_msg(has_header(&a, "X-Content-Type-Options: nosniff"), "%s", a.all.data);
        ck_assert_msg(has_header(&a, "X-Frame-Options: DENY"), "%s", a.all.data);
        const char *policy =
            strstr(a.all.data, "Content-Security-Policy: default-src 'none'; script-src 'self';");
        ck_assert_msg(policy && policy < a.body && !strstr(policy, "unsafe"), "%s", a.all.data);
        ck_assert(!names_header(&a, "Set-Cookie"));
        ck_assert(!names_header(&a, "Access-Control-Allow-Origin"));
        buf_fini(&a.all);
    }
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

START_TEST(test_download)
{
    char *const extra[] = {"-focus=json_write", NULL};
    struct served s = serve(gateway_profile(), "localhost:0", extra);
    struct answer a = get(&s, "/ui/download?f=list_move");
    struct profile *p;
    struct error error;
    ck_assert_int_eq(a.status, 200);
    ck_assert(has_header(&a, "Content-Type: application/vnd.google.protobuf+gzip"));
    ck_assert(has_header(&a, "Content-Disposition: attachment;filename=profile.pb.gz"));
    ck_assert_int_eq(memcmp(a.body, "\x1f\x8b", 2), 0);
    ck_assert_int_eq(profile_decode(a.body, a.body_len, 0, &p, &error), 0);
    struct profile *whole = gateway_profile();
    ck_assert_uint_eq(p->samples.len, whole->samples.len);
    profile_free(whole);
    profile_free(p);
    buf_fini(&a.all);
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

/* No text of the profile, and none of the URL, becomes markup. */
START_TEST(test_escaping)
{
    struct served s = serve(hostile_profile(), "localhost:0", NULL);
    struct answer plain = get(&s, "/ui/top");
    size_t tags = 0;
    for (const char *c = plain.body; *c; c++)
        tags += *c == '<';
    buf_fini(&plain.all);
    static const char *const paths[] = {"/ui/", "/ui/peek", "/ui/source", "/ui/graph", "/ui/disasm",
        "/ui/top?f=%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/ui/top?f=(%3C%2Fscript%3E",
        "/ui/top?si=%3C%2Fscript%3E%3Cscript%3E", "/ui/top?%3Cscript%3E=1&g=%3Cimg%3E"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct answer a = get(&s, paths[i]);
        size_t n = 0;
        for (const char *c = a.body; *c; c++)
            n += *c == '<';
        ck_assert_msg(n == tags, "%s: %zu tags, not %zu:\n%s", paths[i], n, tags, a.body);
        ck_assert_msg(!strstr(a.body, "<script>"), "%s", a.body);
        buf_fini(&a.all);
    }
    SHOWS(&s, "/ui/", 200, "\\u003cscript>hacked = 1\\u003c/script>");
    ck_assert_int_eq(end(&s), 0);
}
END_TEST

START_TEST(test_addresses)
{
    static const char *const wrong[] = {"", "8080", "localhost", ":x", ":65536", "localhost:80:80", "[::1",
        "[::1]x:1", "localhost:-1", "a b:1"};
    struct web_listener l;
    struct error error = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int code = web_listen(wrong[i], &l, &error);
        ck_assert_msg(
            code == ERR_INVALID && strncmp(error.text, "-http: ", 7) == 0, "%s: %d", wrong[i], code);
    }
    ck_assert_int_eq(web_listen(":", &l, &error), 0);
    ck_assert_str_eq(l.host, "localhost");
    ck_assert(l.port > 0 && l.local);
    char taken[32];
    struct web_listener second;
    snprintf(taken, sizeof taken, "127.0.0.1:%u", l.port);
    ck_assert_int_eq(web_listen(taken, &second, &error), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(error.text, "Address already in use"));
    close(l.fd);
    ck_assert_int_eq(web_listen("0.0.0.0:0", &l, &error), 0);
    ck_assert(!l.local);
    close(l.fd);
}
END_TEST

/* Each parameter is of a variable that there is, and what is printed as a URL is what was read. */
START_TEST(test_query)
{
    static const char *const queries[] = {"f=a%2Bb", "i=x", "h=x", "s=x", "sf=x", "tf=x", "ti=x", "ts=x",
        "th=x", "si=cpu", "g=lines", "n=7", "nf=0.25", "ef=7", "calltree=true", "rel=true", "unit=ms",
        "compact=true", "intel=true", "trim=false", "dropneg=true", "mean=true", "norm=true", "sort=cum",
        "noinlines=true", "prunefrom=x", "tagroot=x", "tagleaf=x", "showcolumns=true"};
    struct settings defaults;
    ck_assert_int_eq(settings_init(&defaults), 0);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct settings s;
        struct error error = {0};
        struct buf out = {0};
        char name[20], value[20];
        ck_assert_int_eq(sscanf(queries[i], "%19[^=]=%19s", name, value), 2);
        ck_assert_int_eq(web_query_init(&s, &defaults), 0);
        ck_assert_int_eq(web_query_set(&s, name, i ? value : "a+b", &error), 0);
        web_query_put_url(&s.config, &out);
        ck_assert_msg(out.len && strcmp(out.data + 1, queries[i]) == 0, "%s: %s", queries[i], out.data);
        ck_assert_int_eq(*out.data, '?');
        buf_fini(&out);
        settings_fini(&s);
    }
    settings_fini(&defaults);
}
END_TEST

/* ---- configurations ---- */

/* A home of its own, empty. */
static void go_home(char *dir)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    setenv("HOME", dir, 1);
    unsetenv("XDG_CONFIG_HOME");
}

static void write_settings(const char *home, const char *text)
{
    char file[200];
    snprintf(file, sizeof file, "%s/.config", home);
    mkdir(file, 0700);
    strcat(file, "/pprof");
    mkdir(file, 0700);
    strcat(file, "/settings.json");
    FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void remove_settings(const char *home)
{
    char path[200];
    static const char *const parts[] = {"/.config/pprof/settings.json", "/.config/pprof", "/.config", ""};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s", home, parts[i]);
        ck_assert_msg(remove(path) == 0, "%s is not all there was", path);
    }
}

/* A POST from a page of origin's (NULL: no such header). */
static int change(const struct served *s, const char *path, const char *origin, const char *site)
{
    char headers[300];
    snprintf(headers, sizeof headers, "Host: localhost:%u\r\n%s%s%s%s%s%s", s->port, origin ? "Origin: " : "",
        origin ? origin : "", origin ? "\r\n" : "", site ? "Sec-Fetch-Site: " : "", site ? site : "",
        site ? "\r\n" : "");
    struct answer a = receive(ask_at(s->address, "POST", path, headers, ""));
    buf_fini(&a.all);
    return a.status;
}

START_TEST(test_configurations)
{
    char home[] = "/tmp/test-web-XXXXXX", own[64];
    go_home(home);
    struct served s = serve(gateway_profile(), "localhost:0", NULL);
    snprintf(own, sizeof own, "http://localhost:%u", s.port);
    SHOWS(&s, "/ui/", 200, "\"configs\":[]");
    const char *save = "/ui/saveconfig?config=a%22%3Cb&f=json&n=7&g=lines&si=samples&trim=f";
    ck_assert_int_eq(change(&s, save, "http://evil.example", NULL), 403);
    ck_assert_int_eq(change(&s, save, "http://evil.example", "cross-site"), 403);
    ck_assert_int_eq(change(&s, save, own, "cross-site"), 403);
    ck_assert_int_eq(change(&s, save, NULL, "same-site"), 403);
    ck_assert_int_eq(change(&s, save, NULL, NULL), 403);
    ck_assert_int_eq(change(&s, save, "null", "same-origin"), 403);
    shows(&s, save, 405, NULL);
    SHOWS(&s, "/ui/", 200, "\"configs\":[]");
    ck_assert_int_eq(change(&s, save, own, "same-origin"), 200);
    ck_assert_int_eq(change(&s, "/ui/saveconfig?config=second&i=libc", own, NULL), 200);
    SHOWS(&s, "/ui/top", 200,
        "\"configs\":[[\"a\\\"\\u003cb\",{\"f\":\"json\",\"g\":\"lines\",\"n\":\"7\",\"trim\":\"false\"}],"
        "[\"second\",{\"i\":\"libc\"}]]");
    ck_assert_int_eq(change(&s, "/ui/saveconfig?config=second&h=main", own, NULL), 200);
    ck_assert_int_eq(change(&s, "/ui/deleteconfig?config=a%22%3Cb", own, NULL), 200);
    SHOWS(&s, "/ui/top", 200, "\"configs\":[[\"second\",{\"h\":\"main\"}]]");
    ck_assert_int_eq(change(&s, "/ui/deleteconfig?config=a%22%3Cb", own, NULL), 400);
    ck_assert_int_eq(change(&s, "/ui/saveconfig?config=&f=x", own, NULL), 400);
    ck_assert_int_eq(change(&s, "/ui/saveconfig?config=x&n=many", own, NULL), 400);
    ck_assert_int_eq(end(&s), 0);
    remove_settings(home);
}
END_TEST

/* As the reference writes it: what is not named is false, 0 or empty. Others' members stay. */
START_TEST(test_settings_file)
{
    char home[] = "/tmp/test-web-XXXXXX";
    struct saved saved;
    struct error error = {0};
    struct buf menu = {0};
    go_home(home);
    write_settings(home,
        "{\"configs\": [{\"name\": \"x\\u00e9\\ud83d\\ude00\", \"unit\": \"minimum\", \"sort\": \"cum\", "
        "\"nodecount\": -1,"
        "\"nodefraction\": 0.005, \"edgefraction\": 0.001, \"trim\": true, \"focus\": \"a\\n\\\"b\","
        "\"granularity\": \"functions\", \"later\": {\"a\": [1, \"}\"]}}], \"other\": [{}, null]}");
    ck_assert_msg(saved_load(&saved, &error) == 0, "%s", error.text);
    saved_put_menu(&saved, &menu);
    ck_assert_str_eq(menu.data, "[[\"x\u00e9\U0001f600\",{\"f\":\"a\\u000a\\\"b\",\"sort\":\"cum\"}]]");
    ck_assert_int_eq(saved_store(&saved, &error), 0);
    saved_fini(&saved);
    ck_assert_int_eq(saved_load(&saved, &error), 0);
    struct buf again = {0};
    saved_put_menu(&saved, &again);
    ck_assert_str_eq(again.data, menu.data);
    ck_assert_uint_eq(saved.configs.len, 1);
    const struct saved_member *last =
        &saved.configs.items[0].members.items[saved.configs.items[0].members.len - 1];
    ck_assert_str_eq(last->key, "later");
    ck_assert_str_eq(last->value, "{\"a\": [1, \"}\"]}");
    saved_fini(&saved);
    buf_fini(&menu);
    buf_fini(&again);

    static const char *const broken[] = {"", "{", "[]", "{\"configs\"", "{\"configs\": [", "{\"configs\": [{",
        "{\"configs\": [{\"name\": }]}", "{\"configs\": [{\"name\": \"x]}",
        "{\"configs\": [{\"name\": \"\\u12\"}]}",
        "{\"configs\": [{\"a\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "{\"configs\": [{\"a\" 1}]}",
        "{\"configs\": {\"a\": 1}}", "{\"a\": {\"b\" \"c\"}}",
        /* What would be written again as it is, and be JSON no more. */
        "{\"configs\": [{\"a\": [1,]}]}", "{\"configs\": [{\"a\": tru}]}", "{\"configs\": [{\"a\": 01}]}",
        "{\"configs\": [{\"a\": 1.}]}", "{\"configs\": [{\"a\": 1e}]}", "{\"configs\": [{\"a\": {1: 2}}]}",
        "{\"configs\": [{\"a\": [\"\x01\"]}]}", "{\"configs\": [{\"a\": 1,}]}", "{\"configs\": [{},]}",
        "{\"configs\": [],}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        write_settings(home, broken[i]);
        int code = saved_load(&saved, &error);
        ck_assert_msg(*broken[i] ? code == ERR_FORMAT : code == 0, "%s: %d", broken[i], code);
        ck_assert_msg(!code || strstr(error.text, "settings.json: offset "), "%s", error.text);
        saved_fini(&saved);
    }
    remove_settings(home);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_views, test_graph, test_paths, test_parameters, test_hosts,
        test_foreign_pages, test_known_hosts, test_headers, test_download, test_escaping, test_addresses,
        test_query, test_configurations, test_settings_file};
    return HARNESS_SUITE("web", 30, tests);
}
