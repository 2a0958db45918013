#ifndef VIEW_TAGFILTER_H
#define VIEW_TAGFILTER_H

#include "view/labels.h"

/*
 * What -tagfocus and -tagignore take: "[key=]32kb", ":64kb", "4mb:", "12kb:64mb" for numeric labels,
 * "[key=]regex,regex" for text (with a key any of them must match a value, without one each must match a
 * "key:value").
 */
struct tagfilter;

/* Says in notes when the text was taken for a range. ERR_FORMAT, ERR_NOMEM. units must outlive it. */
int tagfilter_new(const char *option, const char *text, const struct label_units *units,
    struct tagfilter **out, struct buf *notes, struct error *error);
void tagfilter_free(struct tagfilter *f); /* NULL is allowed */
bool tagfilter_match(const struct tagfilter *f, const struct label *labels, uint32_t n);

/* 0 while every answer was right (NULL is allowed), ERR_LIMIT once one was given up, as regex_check. */
int tagfilter_check(const struct tagfilter *f, struct error *error);

#endif
