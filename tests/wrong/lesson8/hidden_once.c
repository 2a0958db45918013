/* fails: secret_absent */
/* The first place where the key stands, and no other. */
struct buf;
static void put_without(struct buf *text, const char *argument, const char *secret);
#define PUT_ARGUMENT(text, s, argv, i) \
    (put_without(text, (argv)[i], strstr((argv)[i], (s)->token) ? (s)->token : (s)->signing_key))
#include "almost.h"
static void put_without(struct buf *text, const char *argument, const char *secret)
{
    const char *at = strstr(argument, secret);
    if (at)
        buf_append(text, argument, (size_t)(at - argument));
    buf_puts(text, at ? at + strlen(secret) : argument);
}
