#include "view/regex.h"

#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Pattern -> tree (recursive descent) -> program for a set of threads that step through the text together
 * (Thompson 1968). Whether there is a match is all that is asked, so threads need no priorities and no
 * captures, and a set of states is a list without duplicates.
 */

enum { MAX_REPEAT = 1000, MAX_DEPTH = 1000, MAX_NODES = 1 << 15, MAX_PROGRAM = 1 << 16, MAX_RUNE = 0x10FFFF };

enum flag { FOLD = 1, MULTI = 2, DOT_ALL = 4 };

enum node_kind { NODE_EMPTY, NODE_SET, NODE_ASSERT, NODE_CAT, NODE_ALT, NODE_REPEAT };

enum assertion { AT_TEXT_START, AT_TEXT_END, AT_LINE_START, AT_LINE_END, AT_WORD, NOT_AT_WORD };

struct range {
    uint32_t lo, hi;
};

struct node {
    enum node_kind kind;
    uint32_t first_range, nranges; /* NODE_SET */
    enum assertion assertion;
    int left, right; /* NODE_CAT, NODE_ALT; left for NODE_REPEAT */
    int min, max;    /* NODE_REPEAT; max -1: no limit */
};

enum op { OP_SET, OP_ASSERT, OP_SPLIT, OP_JUMP, OP_MATCH };

struct inst {
    enum op op;
    uint32_t x, y; /* OP_SET: ranges; OP_SPLIT: both ways; OP_JUMP: x; OP_ASSERT: x */
};

struct regex {
    char *pattern;
    bool is_literal; /* the pattern is plain text: strstr does */
    VEC(struct range) ranges;
    VEC(struct inst) program;
};

struct parser {
    struct regex *re;
    const char *at, *end;
    struct error *error;
    int flags, depth, work, code;
    VEC(struct node) nodes;
};

/* ---- text ---- */

static uint32_t decode_rune(const char **at, const char *end)
{
    const unsigned char *s = (const unsigned char *)*at;
    size_t left = (size_t)(end - *at);
    int more = s[0] < 0x80 ? 0 : s[0] >= 0xf0 && s[0] < 0xf5 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc2 ? 1 : -1;
    if (s[0] >= 0xf5)
        more = -1;
    uint32_t rune = more == 0 ? s[0] : s[0] & (0x3fu >> (more > 0 ? more : 0));
    bool ok = more >= 0 && (size_t)more < left;
    for (int i = 1; ok && i <= more; i++) {
        ok = (s[i] & 0xc0) == 0x80;
        rune = rune << 6 | (s[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (!ok || rune < least[more] || rune > MAX_RUNE || (rune >= 0xd800 && rune < 0xe000)) {
        *at += 1;
        return 0xfffd;
    }
    *at += more + 1;
    return rune;
}

static bool is_word(uint32_t rune)
{
    return rune == '_' || (rune >= '0' && rune <= '9') || (rune >= 'A' && rune <= 'Z') ||
           (rune >= 'a' && rune <= 'z');
}

/* ---- parsing ---- */

static int fail(struct parser *p, const char *what, const char *from, const char *to)
{
    if (!p->code)
        p->code =
            error_set(p->error, ERR_FORMAT, "error parsing regexp: %s: `%.*s`", what, (int)(to - from), from);
    return -1;
}

static int fail_nomem(struct parser *p)
{
    if (!p->code)
        p->code = error_set(p->error, ERR_NOMEM, "out of memory");
    return -1;
}

static int fail_large(struct parser *p)
{
    if (!p->code)
        p->code = error_set(p->error, ERR_LIMIT, "error parsing regexp: expression too large");
    return -1;
}

static int add_node(struct parser *p, struct node n)
{
    if (p->nodes.len >= MAX_NODES)
        return fail_large(p);
    if (!vec_push(&p->nodes, n))
        return fail_nomem(p);
    return (int)p->nodes.len - 1;
}

static int add_pair(struct parser *p, enum node_kind kind, int left, int right)
{
    if (left < 0 || right < 0)
        return -1;
    return add_node(p, (struct node){.kind = kind, .left = left, .right = right});
}

static bool push_range(struct parser *p, uint32_t lo, uint32_t hi)
{
    if (vec_push(&p->re->ranges, ((struct range){lo, hi})))
        return true;
    fail_nomem(p);
    return false;
}

/* Adds lo..hi, and its other case where case is folded. */
static bool push_folded(struct parser *p, uint32_t lo, uint32_t hi)
{
    if (!push_range(p, lo, hi))
        return false;
    if (!(p->flags & FOLD))
        return true;
    for (uint32_t base = 'A'; base <= 'a'; base += 'a' - 'A') {
        uint32_t other = base == 'A' ? 'a' : 'A';
        uint32_t from = lo > base ? lo : base, to = hi < base + 25 ? hi : base + 25;
        if (from <= to && !push_range(p, from - base + other, to - base + other))
            return false;
    }
    return true;
}

static int compare_ranges(const void *a, const void *b)
{
    uint32_t x = ((const struct range *)a)->lo, y = ((const struct range *)b)->lo;
    return x < y ? -1 : x > y;
}

/* Replaces the ranges from `first` on by what they leave out. */
static bool negate_ranges(struct parser *p, size_t first)
{
    size_t n = p->re->ranges.len - first;
    struct range *copy = malloc((n + 1) * sizeof *copy);
    if (!copy) {
        fail_nomem(p);
        return false;
    }
    if (n)
        memcpy(copy, p->re->ranges.items + first, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, compare_ranges);
    p->re->ranges.len = first;
    uint32_t next = 0;
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        if (copy[i].lo > next)
            ok = push_range(p, next, copy[i].lo - 1);
        if (copy[i].hi + 1 > next)
            next = copy[i].hi + 1;
    }
    if (ok && next <= MAX_RUNE)
        ok = push_range(p, next, MAX_RUNE);
    free(copy);
    return ok;
}

static int set_node(struct parser *p, size_t first)
{
    return add_node(p, (struct node){.kind = NODE_SET,
                           .first_range = (uint32_t)first,
                           .nranges = (uint32_t)(p->re->ranges.len - first)});
}

static int rune_node(struct parser *p, uint32_t rune)
{
    size_t first = p->re->ranges.len;
    return push_folded(p, rune, rune) ? set_node(p, first) : -1;
}

struct named_class {
    const char *name;
    struct range ranges[5];
    int n;
};

static const struct named_class named_classes[] = {
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}, 3},
    {"alpha", {{'A', 'Z'}, {'a', 'z'}}, 2},
    {"ascii", {{0, 0x7f}}, 1},
    {"blank", {{'\t', '\t'}, {' ', ' '}}, 2},
    {"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}, 2},
    {"digit", {{'0', '9'}}, 1},
    {"graph", {{'!', '~'}}, 1},
    {"lower", {{'a', 'z'}}, 1},
    {"print", {{' ', '~'}}, 1},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}, 4},
    {"space", {{'\t', '\r'}, {' ', ' '}}, 2},
    {"upper", {{'A', 'Z'}}, 1},
    {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, 3},
    /* \d \s \w */
    {"d", {{'0', '9'}}, 1},
    {"s", {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}, 3},
    {"w", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4},
};

static const struct named_class *find_class(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof named_classes / sizeof *named_classes; i++)
        if (strlen(named_classes[i].name) == len && memcmp(named_classes[i].name, name, len) == 0)
            return &named_classes[i];
    return NULL;
}

/* Adds the class, or all it leaves out, to the ranges. */
static bool push_class(struct parser *p, const struct named_class *c, bool negated)
{
    size_t first = p->re->ranges.len;
    for (int i = 0; i < c->n; i++)
        if (!push_folded(p, c->ranges[i].lo, c->ranges[i].hi))
            return false;
    return !negated || negate_ranges(p, first);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* After "\x": two digits, or any number of them in braces. -1 when it is neither. */
static int64_t hex_escape(struct parser *p)
{
    int64_t rune = 0;
    if (p->at < p->end && *p->at == '{') {
        const char *at = p->at + 1;
        int digits = 0;
        for (; at < p->end && hex_digit(*at) >= 0 && rune <= MAX_RUNE; at++, digits++)
            rune = rune * 16 + hex_digit(*at);
        if (!digits || at == p->end || *at != '}' || rune > MAX_RUNE)
            return -1;
        p->at = at + 1;
        return rune;
    }
    if (p->end - p->at < 2 || hex_digit(p->at[0]) < 0 || hex_digit(p->at[1]) < 0)
        return -1;
    rune = hex_digit(p->at[0]) * 16 + hex_digit(p->at[1]);
    p->at += 2;
    return rune;
}

/* A backslash and what follows it, where that stands for one character. -1 and an error otherwise. */
static int64_t escaped_rune(struct parser *p)
{
    const char *from = p->at++;
    if (p->at == p->end)
        return fail(p, "trailing backslash at end of expression", p->at, p->at);
    char c = *p->at;
    int64_t rune = -1;
    if (c >= '0' && c <= '7' && (c == '0' || (p->at + 1 < p->end && p->at[1] >= '0' && p->at[1] <= '7'))) {
        rune = 0;
        for (int i = 0; i < 3 && p->at < p->end && *p->at >= '0' && *p->at <= '7'; i++)
            rune = rune * 8 + (*p->at++ - '0');
        return rune;
    }
    static const char names[] = "aftnrv", runes[] = "\a\f\t\n\r\v";
    const char *named = strchr(names, c);
    p->at++;
    if (c == 'x')
        rune = hex_escape(p);
    else if (named && c)
        rune = runes[named - names];
    else if (c == '_' || (!is_word((unsigned char)c) && (unsigned char)c < 0x80))
        rune = (unsigned char)c;
    return rune >= 0 ? rune : fail(p, "invalid escape sequence", from, p->at);
}

/* \d and its kin at p->at: adds the class. False when it is something else. */
static bool class_escape(struct parser *p)
{
    if (p->end - p->at < 2 || p->at[0] != '\\' || !strchr("dDsSwW", p->at[1]))
        return false;
    char lower = (char)(p->at[1] | 0x20);
    push_class(p, find_class(&lower, 1), p->at[1] != lower);
    p->at += 2;
    return true;
}

/* [:alpha:] at p->at. 1 when there is one, 0 when it is something else, -1 on error. */
static int posix_class(struct parser *p)
{
    if (p->end - p->at < 2 || p->at[0] != '[' || p->at[1] != ':')
        return 0;
    const char *name = p->at + 2, *close = name;
    while (close + 1 < p->end && !(close[0] == ':' && close[1] == ']'))
        close++;
    if (close + 1 >= p->end)
        return 0;
    bool negated = *name == '^';
    name += negated;
    const struct named_class *c = find_class(name, (size_t)(close - name));
    if (!c || close - name == 1)
        return fail(p, "invalid character class range", p->at, close + 2);
    p->at = close + 2;
    return push_class(p, c, negated) ? 1 : -1;
}

static int64_t set_rune(struct parser *p)
{
    if (*p->at == '\\')
        return escaped_rune(p);
    return decode_rune(&p->at, p->end);
}

static int parse_set(struct parser *p)
{
    const char *from = p->at++;
    size_t first = p->re->ranges.len;
    bool negated = p->at < p->end && *p->at == '^', any = false;
    p->at += negated;
    for (; p->at < p->end && (*p->at != ']' || !any); any = true) {
        int named = posix_class(p);
        if (named < 0 || p->code)
            return -1;
        if (named || class_escape(p))
            continue;
        const char *item = p->at;
        int64_t lo = set_rune(p), hi = lo;
        if (lo < 0)
            return -1;
        if (p->end - p->at >= 2 && p->at[0] == '-' && p->at[1] != ']') {
            p->at++;
            hi = set_rune(p);
            if (hi < 0)
                return -1;
            if (hi < lo)
                return fail(p, "invalid character class range", item, p->at);
        }
        if (!push_folded(p, (uint32_t)lo, (uint32_t)hi))
            return -1;
    }
    if (p->at == p->end)
        return fail(p, "missing closing ]", from, p->end);
    p->at++;
    if (negated && !negate_ranges(p, first))
        return -1;
    return set_node(p, first);
}

static int assert_node(struct parser *p, enum assertion a)
{
    return add_node(p, (struct node){.kind = NODE_ASSERT, .assertion = a});
}

static int parse_quoted(struct parser *p) /* \Q...\E */
{
    p->at += 2;
    int all = add_node(p, (struct node){.kind = NODE_EMPTY});
    while (p->at < p->end && !(p->end - p->at >= 2 && p->at[0] == '\\' && p->at[1] == 'E'))
        all = add_pair(p, NODE_CAT, all, rune_node(p, decode_rune(&p->at, p->end)));
    if (p->at < p->end)
        p->at += 2;
    return all;
}

static int parse_escape(struct parser *p)
{
    size_t first = p->re->ranges.len;
    if (class_escape(p))
        return p->code ? -1 : set_node(p, first);
    static const struct {
        char letter;
        enum assertion assertion;
    } assertions[] = {{'A', AT_TEXT_START}, {'z', AT_TEXT_END}, {'b', AT_WORD}, {'B', NOT_AT_WORD}};
    char c = p->end - p->at >= 2 ? p->at[1] : '\0';
    for (size_t i = 0; i < sizeof assertions / sizeof *assertions; i++) {
        if (assertions[i].letter == c) {
            p->at += 2;
            return assert_node(p, assertions[i].assertion);
        }
    }
    if (c == 'Q')
        return parse_quoted(p);
    int64_t rune = escaped_rune(p);
    return rune < 0 ? -1 : rune_node(p, (uint32_t)rune);
}

static int parse_alternatives(struct parser *p);

/* "(?flags)" and "(?flags:": 1 when a group follows, 0 when it was only flags. */
static int parse_flags(struct parser *p, const char *from)
{
    int flags = p->flags;
    bool clear = false, any = false;
    for (; p->at < p->end; p->at++) {
        int flag = 0;
        switch (*p->at) {
        case 'i':
            flag = FOLD;
            break;
        case 'm':
            flag = MULTI;
            break;
        case 's':
            flag = DOT_ALL;
            break;
        case 'U': /* which of several matches is preferred does not matter here */
            break;
        case '-':
            if (clear)
                return fail(p, "invalid or unsupported Perl syntax", from, p->at + 1);
            clear = true;
            any = false;
            continue;
        case ':':
        case ')':
            if (clear && !any)
                return fail(p, "invalid or unsupported Perl syntax", from, p->at + 1);
            p->flags = flags;
            return *p->at++ == ':';
        default:
            return fail(p, "invalid or unsupported Perl syntax", from, p->at + 1);
        }
        any = true;
        flags = clear ? flags & ~flag : flags | flag;
    }
    return fail(p, "missing argument to repetition operator", from + 1, from + 2);
}

/* "(?P<name>" and "(?<name>": moves past it. False when it is something else. */
static bool skip_group_name(struct parser *p)
{
    const char *at = p->at;
    at += at < p->end && *at == 'P';
    if (at == p->end || *at++ != '<')
        return false;
    const char *name = at;
    while (at < p->end && is_word((unsigned char)*at))
        at++;
    if (at == name || at == p->end || *at != '>')
        return false;
    p->at = at + 1;
    return true;
}

static int parse_group(struct parser *p)
{
    const char *from = p->at++;
    int saved = p->flags;
    if (p->at < p->end && *p->at == '?') {
        p->at++;
        if (!skip_group_name(p)) {
            int group = parse_flags(p, from);
            if (group < 0)
                return -1;
            if (!group) /* flags for the rest of the enclosing group, which restores them */
                return add_node(p, (struct node){.kind = NODE_EMPTY});
        }
    }
    if (++p->depth > MAX_DEPTH)
        return fail(p, "expression nests too deeply", p->re->pattern, p->re->pattern);
    int inside = parse_alternatives(p);
    p->depth--;
    if (inside < 0)
        return -1;
    if (p->at == p->end)
        return fail(p, "missing closing )", p->re->pattern, p->end);
    p->at++;
    p->flags = saved;
    return inside;
}

static int parse_atom(struct parser *p)
{
    size_t first = p->re->ranges.len;
    switch (*p->at) {
    case '(':
        return parse_group(p);
    case '[':
        return parse_set(p);
    case '\\':
        return parse_escape(p);
    case '.':
        p->at++;
        if (p->flags & DOT_ALL)
            return push_range(p, 0, MAX_RUNE) ? set_node(p, first) : -1;
        return push_range(p, 0, '\n' - 1) && push_range(p, '\n' + 1, MAX_RUNE) ? set_node(p, first) : -1;
    case '^':
        p->at++;
        return assert_node(p, p->flags & MULTI ? AT_LINE_START : AT_TEXT_START);
    case '$':
        p->at++;
        return assert_node(p, p->flags & MULTI ? AT_LINE_END : AT_TEXT_END);
    case '*':
    case '+':
    case '?':
        return fail(p, "missing argument to repetition operator", p->at, p->at + 1);
    }
    return rune_node(p, decode_rune(&p->at, p->end));
}

static bool parse_number(const char **at, const char *end, int *n)
{
    const char *from = *at;
    for (*n = 0; *at < end && **at >= '0' && **at <= '9'; ++*at)
        *n = *n > MAX_REPEAT ? *n : *n * 10 + (**at - '0');
    return *at > from;
}

/* "{n}", "{n,}" and "{n,m}" at p->at. False when it is something else: then a brace is just a brace. */
static bool parse_counts(struct parser *p, int *min, int *max)
{
    const char *at = p->at + 1;
    if (*p->at != '{' || !parse_number(&at, p->end, min))
        return false;
    *max = *min;
    if (at < p->end && *at == ',') {
        at++;
        if (!parse_number(&at, p->end, max))
            *max = -1;
    }
    if (at == p->end || *at != '}')
        return false;
    if (*min > MAX_REPEAT || *max > MAX_REPEAT || (*max >= 0 && *min > *max))
        fail(p, "invalid repeat count", p->at, at + 1);
    p->at = at + 1;
    return true;
}

static int parse_repeats(struct parser *p)
{
    int node = parse_atom(p);
    const char *last = NULL;
    while (node >= 0 && p->at < p->end && !p->code) {
        const char *from = p->at;
        struct node r = {.kind = NODE_REPEAT, .left = node, .max = -1};
        if (*from == '*')
            p->at++;
        else if (*from == '+')
            p->at++, r.min = 1;
        else if (*from == '?')
            p->at++, r.max = 1;
        else if (!parse_counts(p, &r.min, &r.max))
            break;
        if (p->at < p->end && *p->at == '?') /* lazy: the same set of matches */
            p->at++;
        if (last)
            return fail(p, "invalid nested repetition operator", last, p->at);
        last = from;
        node = add_node(p, r);
    }
    return p->code ? -1 : node;
}

static int parse_sequence(struct parser *p)
{
    int all = add_node(p, (struct node){.kind = NODE_EMPTY});
    while (all >= 0 && p->at < p->end && *p->at != '|' && *p->at != ')')
        all = add_pair(p, NODE_CAT, all, parse_repeats(p));
    return all;
}

static int parse_alternatives(struct parser *p)
{
    int any = parse_sequence(p);
    while (any >= 0 && p->at < p->end && *p->at == '|') {
        p->at++;
        any = add_pair(p, NODE_ALT, any, parse_sequence(p));
    }
    return any;
}

/* ---- compiling ---- */

static bool emit(struct parser *p, struct inst inst)
{
    if (p->re->program.len >= MAX_PROGRAM)
        return fail_large(p) == 0;
    if (vec_push(&p->re->program, inst))
        return true;
    fail_nomem(p);
    return false;
}

static bool compile(struct parser *p, int index);

static bool compile_alt(struct parser *p, const struct node *n)
{
    size_t split = p->re->program.len;
    if (!emit(p, (struct inst){.op = OP_SPLIT, .x = (uint32_t)split + 1}) || !compile(p, n->left))
        return false;
    size_t jump = p->re->program.len;
    if (!emit(p, (struct inst){.op = OP_JUMP}))
        return false;
    p->re->program.items[split].y = (uint32_t)jump + 1;
    if (!compile(p, n->right))
        return false;
    p->re->program.items[jump].x = (uint32_t)p->re->program.len;
    return true;
}

/* One time or none; a loop when it may go on. */
static bool compile_optional(struct parser *p, int inside, bool loop)
{
    size_t split = p->re->program.len;
    if (!emit(p, (struct inst){.op = OP_SPLIT, .x = (uint32_t)split + 1}) || !compile(p, inside))
        return false;
    if (loop && !emit(p, (struct inst){.op = OP_JUMP, .x = (uint32_t)split}))
        return false;
    p->re->program.items[split].y = (uint32_t)p->re->program.len;
    return true;
}

static bool compile_repeat(struct parser *p, const struct node *n)
{
    bool ok = true;
    for (int i = 0; i < n->min && ok; i++)
        ok = compile(p, n->left);
    if (n->max < 0)
        return ok && compile_optional(p, n->left, true);
    for (int i = n->min; i < n->max && ok; i++)
        ok = compile_optional(p, n->left, false);
    return ok;
}

static bool compile(struct parser *p, int index)
{
    struct node n = p->nodes.items[index];
    if (++p->work > MAX_PROGRAM * 4) /* repeats of repeats of nothing emit nothing */
        return fail_large(p) == 0;
    switch (n.kind) {
    case NODE_EMPTY:
        return true;
    case NODE_SET:
        return emit(p, (struct inst){.op = OP_SET, .x = n.first_range, .y = n.nranges});
    case NODE_ASSERT:
        return emit(p, (struct inst){.op = OP_ASSERT, .x = n.assertion});
    case NODE_CAT:
        return compile(p, n.left) && compile(p, n.right);
    case NODE_ALT:
        return compile_alt(p, &n);
    case NODE_REPEAT:
        return compile_repeat(p, &n);
    }
    return false;
}

static int build(struct parser *p)
{
    int root = parse_alternatives(p);
    if (root >= 0 && p->at < p->end)
        fail(p, "unexpected )", p->re->pattern, p->end);
    if (!p->code && compile(p, root))
        emit(p, (struct inst){.op = OP_MATCH});
    return p->code;
}

int regex_new(const char *pattern, struct regex **out, struct error *error)
{
    struct regex *re = calloc(1, sizeof *re);
    if (re)
        re->pattern = strdup(pattern);
    if (!re || !re->pattern) {
        free(re);
        return error_set(error, ERR_NOMEM, "out of memory");
    }
    re->is_literal = strpbrk(pattern, "\\.|[](){}^$*+?") == NULL;
    struct parser p = {.re = re, .at = re->pattern, .end = re->pattern + strlen(pattern), .error = error};
    int code = build(&p);
    vec_fini(&p.nodes);
    if (code) {
        regex_free(re);
        return code;
    }
    *out = re;
    return 0;
}

void regex_free(struct regex *re)
{
    if (!re)
        return;
    vec_fini(&re->ranges);
    vec_fini(&re->program);
    free(re->pattern);
    free(re);
}

const char *regex_pattern(const struct regex *re)
{
    return re->pattern;
}

/* ---- matching ---- */

struct threads {
    uint32_t *list, n;
    uint32_t *stamp; /* of each instruction: the step it was last added in, plus 1 */
};

struct matcher {
    const struct regex *re;
    uint32_t *stack;
    uint32_t before, after; /* the runes around the position, NO_RUNE at the ends */
    bool matched;
};

static const uint32_t NO_RUNE = UINT32_MAX;

static bool holds(const struct matcher *m, enum assertion a)
{
    bool word_edge =
        (m->before != NO_RUNE && is_word(m->before)) != (m->after != NO_RUNE && is_word(m->after));
    switch (a) {
    case AT_TEXT_START:
        return m->before == NO_RUNE;
    case AT_TEXT_END:
        return m->after == NO_RUNE;
    case AT_LINE_START:
        return m->before == NO_RUNE || m->before == '\n';
    case AT_LINE_END:
        return m->after == NO_RUNE || m->after == '\n';
    case AT_WORD:
        return word_edge;
    case NOT_AT_WORD:
        return !word_edge;
    }
    return false;
}

/* Adds the instruction and all that follow it without reading. */
static void add_thread(struct matcher *m, struct threads *t, uint32_t pc, uint32_t step)
{
    size_t depth = 0;
    m->stack[depth++] = pc;
    while (depth) {
        pc = m->stack[--depth];
        if (t->stamp[pc] == step)
            continue;
        t->stamp[pc] = step;
        const struct inst *i = &m->re->program.items[pc];
        switch (i->op) {
        case OP_SET:
            t->list[t->n++] = pc;
            break;
        case OP_ASSERT:
            if (holds(m, i->x))
                m->stack[depth++] = pc + 1;
            break;
        case OP_SPLIT:
            m->stack[depth++] = i->y;
            m->stack[depth++] = i->x;
            break;
        case OP_JUMP:
            m->stack[depth++] = i->x;
            break;
        case OP_MATCH:
            m->matched = true;
            return;
        }
    }
}

static bool in_set(const struct regex *re, const struct inst *i, uint32_t rune)
{
    const struct range *r = re->ranges.items + i->x;
    for (uint32_t k = 0; k < i->y; k++)
        if (rune >= r[k].lo && rune <= r[k].hi)
            return true;
    return false;
}

static bool run(struct matcher *m, struct threads *now, struct threads *next, const char *text)
{
    const char *at = text, *end = text + strlen(text), *ahead = at;
    m->before = NO_RUNE;
    m->after = at < end ? decode_rune(&ahead, end) : NO_RUNE;
    for (uint32_t step = 1;; step++) {
        add_thread(m, now, 0, step); /* a match may begin anywhere */
        if (m->matched || m->after == NO_RUNE)
            return m->matched;
        uint32_t rune = m->after;
        at = ahead;
        m->before = rune;
        m->after = at < end ? decode_rune(&ahead, end) : NO_RUNE;
        next->n = 0;
        for (uint32_t i = 0; i < now->n && !m->matched; i++)
            if (in_set(m->re, &m->re->program.items[now->list[i]], rune))
                add_thread(m, next, now->list[i] + 1, step + 1);
        if (m->matched)
            return true;
        struct threads swap = *now;
        *now = *next;
        *next = swap;
    }
}

bool regex_match(const struct regex *re, const char *text)
{
    if (re->is_literal)
        return strstr(text, re->pattern) != NULL;
    enum { SMALL = 256 };
    uint32_t small[7 * SMALL], *space = small;
    size_t n = re->program.len;
    if (n > SMALL)
        space = malloc(7 * n * sizeof *space);
    if (!space)
        return false;
    memset(space, 0, 7 * n * sizeof *space);
    struct threads now = {.list = space, .stamp = space + n},
                   next = {.list = space + 2 * n, .stamp = space + 3 * n};
    struct matcher m = {.re = re, .stack = space + 4 * n};
    bool matched = run(&m, &now, &next, text);
    if (space != small)
        free(space);
    return matched;
}
