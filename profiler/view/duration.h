#ifndef VIEW_DURATION_H
#define VIEW_DURATION_H

#include <stdint.h>

enum { DURATION_TEXT = 40 };

/* As Go prints a duration: "1h2m3.5s", "1.5ms", "0s". text has DURATION_TEXT bytes. Pure. */
void duration_format(int64_t ns, char *text);

#endif
