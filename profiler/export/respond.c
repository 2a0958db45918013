#include "export/respond.h"

#include <stdio.h>
#include <stdlib.h>

static void add_headers(struct MHD_Response *response, const struct reply *r)
{
    char disposition[64];
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Content-Type", r->content_type);
    if (*r->filename) {
        snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"", r->filename);
        MHD_add_response_header(response, "Content-Disposition", disposition);
    }
    if (r->is_go_error)
        MHD_add_response_header(response, "X-Go-Pprof", "1");
    if (r->location && *r->location)
        MHD_add_response_header(response, "Location", r->location);
    if (r->status == 405)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    if (r->status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
}

enum MHD_Result respond(struct MHD_Connection *connection, struct reply *reply)
{
    size_t len = reply->body.len;
    char *body = buf_take(&reply->body);
    if (!body || reply->status == 0) {
        free(body);
        return MHD_NO;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    add_headers(response, reply);
    enum MHD_Result sent = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return sent;
}
