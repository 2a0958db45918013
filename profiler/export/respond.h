#ifndef EXPORT_RESPOND_H
#define EXPORT_RESPOND_H

#include "export/request.h"

#include <microhttpd.h>

/* Queues the reply with the headers of Go's, and takes its body; MHD_NO, which closes the connection, when
 * its status is 0 or memory runs out. */
enum MHD_Result respond(struct MHD_Connection *connection, struct reply *reply);

#endif
