#ifndef UI_WEB_FILES_H
#define UI_WEB_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* The files of the browser's page, which are in the program: profiler/ui/web/. */
struct web_file_text {
    const char *type; /* for Content-Type */
    const char *text;
    size_t len;
};

bool web_file_find(const char *name, struct web_file_text *out);

#endif
