#ifndef COMMON_REPLY_H
#define COMMON_REPLY_H

#include <microhttpd.h>
#include <stddef.h>

/* Answers of the demo servers through libmicrohttpd. */

/* Queues body, which was malloc'ed and is freed once it is sent; NULL answers 500. */
enum MHD_Result reply_take(
    struct MHD_Connection *connection, unsigned status, const char *type, char *body, size_t len);

/* Queues body, which stays where it is, unchanged, for as long as the daemon runs. */
enum MHD_Result reply_static(
    struct MHD_Connection *connection, unsigned status, const char *type, const char *body, size_t len);

/* Queues a literal as plain text; 503 also asks the client to go away. */
enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned status, const char *text);

/* A socket that listens on 127.0.0.1:port (0 picks one, and *port then says which), or -1 after one line on
 * standard error that starts with the program's name. */
int reply_listen(const char *program, long *port, int backlog);

#endif
