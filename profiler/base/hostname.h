#ifndef BASE_HOSTNAME_H
#define BASE_HOSTNAME_H

#include <stdbool.h>
#include <stddef.h>

/* What Host headers say. A page in a browser may have a name of its own point at 127.0.0.1, but cannot lie
 * in this header. */

/* The name in "NAME:PORT", "NAME", "[NAME]:PORT" or "[NAME]", of at most size - 1 bytes. False when it is
 * none of these. */
bool hostname_of(const char *host, char *name, size_t size);

/* Whether it is a literal address, of IPv6 in brackets. */
bool hostname_is_address(const char *host);

/* Whether it names this machine itself: localhost or a literal loopback address, with or without a port;
 * also when there is none (NULL). */
bool hostname_is_loopback(const char *host);

#endif
