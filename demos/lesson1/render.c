/*
 * A server of articles: it finds one in the archive and renders it as a JSON document, for a website and an
 * app to show.
 *
 *     GET /articles/KEY  ->  article.c (find it)  ->  document.c (write JSON)  ->  escape.c (each string)
 *
 * For the notes of a few lines that it was written for, it is quick. Then the magazine came, with articles of
 * 30,000 letters. They take a hundred times as long to render as one of 3,000. Where does the time go?
 */
#include "common/reply.h"
#include "common/webserver.h"
#include "lesson1/document.h"

static long length = 30000; /* of an article's body, in bytes */

static enum MHD_Result handle_article(void *closure, struct MHD_Connection *connection, const char *key)
{
    (void)closure;
    struct article article;
    struct buf document = {0};
    article_find(&article, key, (size_t)webserver_number(connection, "length", 1, 1000000, length));
    if (article.title.failed || article.author.failed || article.body.failed)
        document.failed = true;
    else
        document_write(&document, &article);
    article_fini(&article);
    size_t len = document.len;
    return reply_take(connection, MHD_HTTP_OK, "application/json", buf_take(&document), len);
}

int main(int argc, char **argv)
{
    static const struct webserver_route routes[] = {{"/articles", "KEY", handle_article}};
    const struct knob knobs[] = {{"length", "N", "bytes of an article, unless the request has ?length=N",
        KNOB_NUMBER, &length, 1, 1000000}};
    struct webserver server = {.name = "render",
        .summary = "Articles as JSON documents: the server of lesson 1. GET /articles/KEY",
        .routes = routes,
        .nroutes = 1,
        .knobs = knobs,
        .nknobs = 1,
        .load = "--path /articles/KEY --rate 40"};
    return webserver_main(&server, argc, argv);
}
