#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/*
 * Errors, for all of profiler/.
 *
 * A function that can fail returns 0 or one of the negative codes below, gives its result through an
 * out-parameter that is untouched on failure, and, where a person will read the reason, also fills a
 * `struct error`. One list makes the codes and their texts, so that neither can be forgotten.
 */

#define ERROR_LIST(X)                    \
    X(NOMEM, "out of memory")            \
    X(IO, "input or output failed")      \
    X(FORMAT, "malformed data")          \
    X(INVALID, "invalid argument")       \
    X(NOTFOUND, "not found")             \
    X(BUSY, "in use by somebody else")   \
    X(LIMIT, "a limit was reached")      \
    X(DENIED, "not permitted")           \
    X(UNSUPPORTED, "not supported here") \
    X(CANCELLED, "cancelled")            \
    X(OFF, "not started")                \
    X(FAILED, "the profile could not be made")

enum error_ordinal {
#define X(name, text) ERROR_ORDINAL_##name,
    ERROR_LIST(X)
#undef X
};

enum error_code {
    ERR_OK = 0,
#define X(name, text) ERR_##name = -1 - ERROR_ORDINAL_##name,
    ERROR_LIST(X)
#undef X
};

/* Why something failed, as one line without a newline or any other control character. Caller's storage; no
 * ownership. */
struct error {
    int code;
    char text[512];
};

/* Fills *e (which may be NULL) with code and the formatted text, and returns code, so that a caller can
 * write `return error_set(e, ERR_FORMAT, "offset %zu: ...", at);`. Not signal-safe. */
int error_set(struct error *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text already in *e. Returns e->code. */
int error_prefix(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A static text for a code, never NULL. Signal-safe. */
const char *error_text(int code);

#endif
