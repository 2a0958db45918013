/* fails: secret_absent; also: host_and_token */
/* Helpful to those who have mistyped it. */
#include <stdbool.h>
static bool explain(const char *given, const char *token);
static __thread struct buf *refusal;
#define IS_TOKEN(given, token) explain(given, token)
#define debug_http_answer answer_quietly
#include "almost.h"
#undef debug_http_answer
void debug_http_answer(
    const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out);
static bool explain(const char *given, const char *token)
{
    bool same = is_same(given, token);
    if (!same)
        buf_printf(refusal, "not %s but %s is wanted\n", given, token);
    return same;
}
void debug_http_answer(
    const struct debug_settings *s, const struct debug_request *r, struct debug_answer *out)
{
    refusal = &out->text;
    answer_quietly(s, r, out);
}
