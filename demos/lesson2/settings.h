#ifndef LESSON2_SETTINGS_H
#define LESSON2_SETTINGS_H

#include <stddef.h>

/* The settings of a user, "name=value;name=value;...", of `cap` - 1 bytes: always the same for a token. */
void settings_write(char *to, size_t cap, const char *token);

#endif
