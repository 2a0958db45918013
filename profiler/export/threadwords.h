#ifndef EXPORT_THREADWORDS_H
#define EXPORT_THREADWORDS_H

#include "base/buf.h"
#include "capture/threads.h"

/* How thread dumps say things: the pieces that their summary and their list have in common. */

void words_span(struct buf *out, int64_t ns); /* 7 us, 33 ms, 1.5 s */

/* `"name"`. A thread may call itself anything; what would end the line or the brackets it stands in is shown
 * as a question mark. */
void words_name(struct buf *out, const char *name);

/* `4711 "name"`, or the number alone: the thread may be gone (t NULL) or have no name. */
void words_thread(struct buf *out, pid_t tid, const struct thread_info *t);

#endif
