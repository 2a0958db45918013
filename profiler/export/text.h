#ifndef EXPORT_TEXT_H
#define EXPORT_TEXT_H

#include "base/buf.h"
#include "export/feed.h"

/*
 * The answers to ?debug=1: Go's text formats, for people and for the readers that know those.
 * Program counters after the @ are as found; those of the lines below, and the offsets, are the calls'.
 */

/* Any feed but FEED_CPU as debug=1: records by falling figures, each with its frames. ERR_NOMEM, ERR_IO.
 */
int text_snapshot(enum feed_id id, const struct snapshot *s, struct buf *out, struct error *error);

#endif
