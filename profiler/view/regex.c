#include "view/regex.h"

#include "base/buf.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * PCRE2's usual matcher, compiled to machine code where it can be, is fast but backtracks: (a+)+$ doubles its
 * steps with every letter. So it gets few steps. An expression that needs more is matched from then on by
 * PCRE2's other matcher, which keeps all the ways through the expression in one set of states and reads the
 * text once. That one is slower for the usual name, and refuses back references, as RE2 does. It tells states
 * apart by how often a + has gone round, so that the set may grow with a text of many hundred characters: its
 * room is bounded too, and past it the expression is given up. Only whether there is a match is asked, so
 * that both give the same answers.
 */

enum {
    FAST_STEPS = 5000,      /* from one place in the text */
    STEADY_CALLS = 100000,  /* into lookarounds and recursion, from anywhere */
    STEADY_DEPTH = 250,     /* of such calls in one another */
    STEADY_HEAP_KB = 65536, /* for them */
    STATE_INTS = 1 << 13    /* of room: some 680 states at once */
};

enum { OPTIONS = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C };

struct regex {
    char *pattern;
    pcre2_code *fast, *steady; /* steady: NULL until fast needed too many steps */
    pcre2_match_context *limits;
    pcre2_match_data *data;
    int *states;       /* steady's */
    struct buf mended; /* the last text that was no UTF-8 */
    int failure;       /* PCRE2's error when matching was given up, else 0 */
};

static int nomem(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

static int compile(const char *pattern, uint32_t options, pcre2_code **out, struct error *error)
{
    int problem;
    PCRE2_SIZE at;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        return nomem(error);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF); /* which is all that . leaves out */
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, OPTIONS | options, &problem, &at, context);
    pcre2_compile_context_free(context);
    if (code) {
        *out = code;
        return 0;
    }
    if (problem == PCRE2_ERROR_HEAP_FAILED)
        return nomem(error);
    char why[128];
    pcre2_get_error_message(problem, (PCRE2_UCHAR *)why, sizeof why);
    return error_set(error, ERR_FORMAT, "%s at offset %zu: `%s`", why, (size_t)at, pattern);
}

int regex_new(const char *pattern, struct regex **out, struct error *error)
{
    struct regex *re = calloc(1, sizeof *re);
    if (!re)
        return nomem(error);
    int code = compile(pattern, 0, &re->fast, error);
    if (!code) {
        pcre2_jit_compile(re->fast, PCRE2_JIT_COMPLETE); /* where it fails, matching interprets */
        re->pattern = strdup(pattern);
        re->limits = pcre2_match_context_create(NULL);
        re->data = pcre2_match_data_create(1, NULL);
        code = re->pattern && re->limits && re->data ? 0 : nomem(error);
    }
    if (code) {
        regex_free(re);
        return code;
    }
    pcre2_set_match_limit(re->limits, FAST_STEPS);
    *out = re;
    return 0;
}

void regex_free(struct regex *re)
{
    if (!re)
        return;
    pcre2_code_free(re->fast);
    pcre2_code_free(re->steady);
    pcre2_match_context_free(re->limits);
    pcre2_match_data_free(re->data);
    buf_fini(&re->mended);
    free(re->states);
    free(re->pattern);
    free(re);
}

const char *regex_pattern(const struct regex *re)
{
    return re->pattern;
}

int regex_check(const struct regex *re, struct error *error)
{
    if (!re || !re->failure)
        return 0;
    char why[128];
    pcre2_get_error_message(re->failure, (PCRE2_UCHAR *)why, sizeof why);
    return error_set(error, ERR_LIMIT, "regexp given up, %s: `%s`", why, re->pattern);
}

/* ---- text ---- */

/* The length of the character at s in bytes, 0 when it is not UTF-8. s ends in a NUL. */
static size_t utf8_len(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t len = s[0] >= 0xf5 ? 0 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0, beyond = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : len;
}

/* The length of what of text is UTF-8 from its start. */
static size_t valid_len(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t at = 0, len;
    do {
        while (s[at] && s[at] < 0x80) /* nearly always to the end */
            at++;
        len = s[at] ? utf8_len(s + at) : 0;
        at += len;
    } while (len);
    return at;
}

static const char *mend(struct regex *re, const char *text)
{
    struct buf *b = &re->mended;
    b->len = 0;
    while (*text) {
        size_t valid = valid_len(text);
        buf_append(b, text, valid);
        text += valid;
        if (*text) {
            buf_puts(b, "\xef\xbf\xbd");
            text++;
        }
    }
    return b->failed ? NULL : b->data;
}

/* ---- matching ---- */

static int match_fast(const struct regex *re, const char *text, size_t len)
{
    return pcre2_match(re->fast, (PCRE2_SPTR)text, len, 0, PCRE2_NO_UTF_CHECK, re->data, re->limits);
}

/* The expression behind anything at all, to be found at the start: trying each start would be quadratic. */
static int make_steady(struct regex *re)
{
    struct buf whole = {0};
    buf_printf(&whole, "(?s:.*?)(?:%s\\E)", re->pattern); /* \E: the pattern may leave a \Q open */
    re->states = malloc(STATE_INTS * sizeof *re->states);
    int code = whole.failed || !re->states
                   ? ERR_NOMEM
                   : compile(whole.data, PCRE2_ANCHORED | PCRE2_NO_AUTO_POSSESS, &re->steady, NULL);
    buf_fini(&whole);
    pcre2_set_match_limit(re->limits, STEADY_CALLS);
    pcre2_set_depth_limit(re->limits, STEADY_DEPTH);
    pcre2_set_heap_limit(re->limits, STEADY_HEAP_KB);
    return code == ERR_NOMEM ? PCRE2_ERROR_NOMEMORY : code ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static int match_steady(struct regex *re, const char *text, size_t len)
{
    int code = re->steady ? 0 : make_steady(re);
    return code ? code
                : pcre2_dfa_match(re->steady, (PCRE2_SPTR)text, len, 0,
                      PCRE2_NO_UTF_CHECK | PCRE2_DFA_SHORTEST, re->data, re->limits, re->states, STATE_INTS);
}

static bool needs_more(int result)
{
    return result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ||
           result == PCRE2_ERROR_HEAPLIMIT || result == PCRE2_ERROR_JIT_STACKLIMIT;
}

bool regex_match(struct regex *re, const char *text)
{
    if (re->failure)
        return false;
    size_t len = valid_len(text);
    if (text[len]) {
        text = mend(re, text);
        if (!text) {
            re->failure = PCRE2_ERROR_NOMEMORY;
            return false;
        }
        len = re->mended.len;
    }
    int result = re->steady ? PCRE2_ERROR_MATCHLIMIT : match_fast(re, text, len);
    if (needs_more(result))
        result = match_steady(re, text, len);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH)
        re->failure = result;
    return result >= 0;
}
