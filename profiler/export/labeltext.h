#ifndef EXPORT_LABELTEXT_H
#define EXPORT_LABELTEXT_H

#include "base/buf.h"
#include "capture/labelset.h"

/* Labels in texts. */

/*
 * {"key":"value", "key":"value"}, as Go prints a set: strings as its %q has them, then sorted. Characters of
 * `special` (ASCII) are escaped, too. Printed as they are, where Go escapes them: characters that Unicode has
 * not assigned.
 */
void labeltext_put(struct buf *out, const struct label_set *set, const char *special);

/* What is said of n lost labels. */
void labeltext_put_lost(struct buf *out, uint64_t n);

#endif
