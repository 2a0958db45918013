#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/error.h"
#include "model/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The targets that `make fuzz` gives to libFuzzer, and that test_corpora runs over what is kept below
 * tests/fuzz. A target takes any bytes at all; what must not be ends in abort(), with a line that says what.
 */
void fuzz_proto(const uint8_t *bytes, size_t len);   /* profile.proto, and whatever else it is taken for */
void fuzz_gzip(const uint8_t *bytes, size_t len);    /* the same, packed */
void fuzz_heap_v2(const uint8_t *bytes, size_t len); /* jemalloc's dumps */
void fuzz_legacy(const uint8_t *bytes, size_t len);  /* gperftools', Go's and Java's older formats */
void fuzz_perf(const uint8_t *bytes, size_t len);    /* the text of `perf script`, and its lines alone */
void fuzz_shell(const uint8_t *bytes, size_t len);   /* lines typed to the shell */
void fuzz_expressions(const uint8_t *bytes, size_t len); /* what options hold; see fuzz_expressions.c */
void fuzz_http(const uint8_t *bytes, size_t len);        /* requests to libcprof; see fuzz_http.c */
void fuzz_web(const uint8_t *bytes, size_t len);         /* requests to -http; see fuzz_web.c */

/* abort(), with the line "what: why" on fuzz_says, standard error at first, unless ok. */
extern int fuzz_says;
void fuzz_require(bool ok, const char *what, const char *why);

/* That an error of a reader is one line and, where the file is to blame, begins with a position. */
void fuzz_check_error(int code, const struct error *error);

/* Whether it is JSON, one value. */
bool fuzz_is_json(const char *text, size_t len);

/* Does with p what a user would, and frees it. */
void fuzz_use_profile(struct profile *p);

/* Takes what is no profile, too: decoded, used, freed. */
void fuzz_decode(const uint8_t *bytes, size_t len);

/* The same without using it: whether it is a profile. */
bool fuzz_reads(const uint8_t *bytes, size_t len);

#endif
