#include "harness.h"

#include "gateway_profile.h"
#include "model/check.h"
#include "view/combine.h"
#include "view/filter.h"

#include <string.h>

static struct buf notes;

/* The gateway's profile through the filters of c. */
static struct profile *filtered(const struct config *c)
{
    struct profile *p = gateway_profile(), *q = NULL;
    struct label_units units;
    struct error e;
    size_t nsamples = p->samples.len, nlines = p->lines.len;
    notes.len = 0;
    ck_assert(filter_changes(c));
    ck_assert_int_eq(label_units_init(&units, p, &notes), 0);
    ck_assert_msg(filter_profile(p, c, &units, &q, &notes, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(p->samples.len, nsamples);
    ck_assert_uint_eq(p->lines.len, nlines);
    ck_assert_uint_eq(p->locations.items[3].nlines, 2); /* the input is as it was */
    ck_assert_msg(profile_check(q, &e) == 0, "%s", e.text);
    label_units_fini(&units);
    profile_free(p);
    return q;
}

static int64_t total(const struct profile *p)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->samples.len; i++)
        sum += profile_values(p, i)[0];
    return sum;
}

static void expect_total(const struct config *c, int64_t want)
{
    struct profile *q = filtered(c);
    ck_assert_int_eq(total(q), want);
    profile_free(q);
}

static const struct config none = CONFIG_DEFAULT;

static void merge_config(struct config *c, const struct config *set)
{
    const char **to[] = {&c->focus, &c->ignore, &c->hide, &c->show, &c->show_from, &c->tagfocus,
        &c->tagignore, &c->tagshow, &c->taghide, &c->prune_from};
    const char *from[] = {set->focus, set->ignore, set->hide, set->show, set->show_from, set->tagfocus,
        set->tagignore, set->tagshow, set->taghide, set->prune_from};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        if (from[i])
            *to[i] = from[i];
}

/* The defaults with what is set in `set`. Good until the next one. */
static struct config *with(struct config set)
{
    static struct config c;
    c = none;
    merge_config(&c, &set);
    return &c;
}

#define WITH(...) with((struct config){__VA_ARGS__})

START_TEST(focus_and_ignore_choose_samples)
{
    ck_assert(!filter_changes(&none));
    expect_total(WITH(.focus = "cache"), 41 + 7 + 3 + 5 + 4);
    expect_total(WITH(.focus = "json\\.c$"), 19 + 11 + 13); /* files count */
    expect_total(WITH(.focus = "libc"), 13 + 2);            /* binaries count */
    expect_total(WITH(.ignore = "json"), 105 - 43);
    expect_total(WITH(.focus = "cache", .ignore = "hash_key|evict"), 41 + 3 + 4);
    expect_total(WITH(.focus = "nosuch"), 0);
    ck_assert_str_eq(notes.data, "Focus expression matched no samples\n");
    notes.len = 0;
    expect_total(WITH(.ignore = "cache_evcit", .focus = "jsno"), 0);
    ck_assert_str_eq(notes.data, "Focus expression matched no samples\ndid you mean json_write?\n"
                                 "Ignore expression matched no samples\ndid you mean cache_evict?\n");
}
END_TEST

static uint32_t depth(const struct profile *p, size_t sample)
{
    return p->samples.items[sample].nlocs;
}

START_TEST(hide_and_show_choose_frames)
{
    struct profile *q = filtered(WITH(.hide = "list_move|json_"));
    ck_assert_int_eq(total(q), 105);
    ck_assert_uint_eq(q->locations.items[3].nlines, 1); /* cache_get is left of the pair */
    ck_assert_uint_eq(depth(q, 3), 2);                  /* of six: serve_request, main */
    profile_free(q);
    q = filtered(WITH(.show = "cache_"));
    ck_assert_uint_eq(q->samples.len, 5);
    ck_assert_uint_eq(depth(q, 0), 1);
    profile_free(q);
    q = filtered(WITH(.hide = "libc"));
    ck_assert_uint_eq(depth(q, 5), 3);
    profile_free(q);
}
END_TEST

START_TEST(show_from_cuts_above)
{
    struct profile *q = filtered(WITH(.show_from = "^json_object$"));
    ck_assert_uint_eq(q->samples.len, 2);
    ck_assert_uint_eq(depth(q, 0), 3); /* from the outermost json_object of a recursion */
    ck_assert_uint_eq(depth(q, 1), 1);
    profile_free(q);
}
END_TEST

START_TEST(prune_from_cuts_below)
{
    struct profile *q = filtered(WITH(.prune_from = "^json_object$"));
    ck_assert_uint_eq(depth(q, 3), 6); /* the leaf location holds it: its inlined callee goes */
    ck_assert_uint_eq(q->locations.items[7].nlines, 1);
    ck_assert_int_eq(total(q), 105);
    profile_free(q);
    q = filtered(WITH(.prune_from = "^serve"));
    ck_assert_uint_eq(depth(q, 3), 2);
    profile_free(q);
}
END_TEST

START_TEST(tags_choose_samples)
{
    expect_total(WITH(.tagfocus = "route:users"), 41 + 7 + 13 + 5 + 4);
    expect_total(WITH(.tagfocus = "route=order"), 3 + 19 + 11);
    expect_total(WITH(.tagignore = "users|orders"), 2);
    expect_total(WITH(.tagfocus = "4kb"), 19 + 13);
    ck_assert_str_eq(notes.data, "tagfocus:Interpreted '4kb' as range, not regexp\n");
    expect_total(WITH(.tagfocus = "bytes=:100b"), 3 + 5);
    expect_total(WITH(.tagfocus = "100b:512b"), 5 + 11);
    expect_total(WITH(.tagfocus = "512b:"), 19 + 11 + 13);
    expect_total(WITH(.tagfocus = "time=1ms"), 0);
    ck_assert_msg(strstr(notes.data, "TagFocus expression matched no samples") != NULL, "%s", notes.data);
    expect_total(WITH(.tagfocus = "users,route"), 41 + 7 + 13 + 5 + 4); /* both */
    expect_total(WITH(.tagfocus = "route=users,orders"), 103);          /* either */
}
END_TEST

START_TEST(tag_names_are_shown_or_hidden)
{
    struct profile *q = filtered(WITH(.tagshow = "bytes"));
    ck_assert_uint_eq(q->samples.items[0].nlabels, 0);
    ck_assert_uint_eq(q->samples.items[2].nlabels, 1);
    profile_free(q);
    q = filtered(WITH(.taghide = "^b"));
    ck_assert_uint_eq(q->samples.items[2].nlabels, 1);
    ck_assert_str_eq(q->labels.items[q->samples.items[2].first_label].key, "route");
    profile_free(q);
}
END_TEST

START_TEST(bad_expressions_are_named)
{
    struct profile *p = gateway_profile(), *q = NULL;
    struct label_units units = {0};
    struct error e;
    ck_assert_int_eq(filter_profile(p, WITH(.hide = "("), &units, &q, &notes, &e), ERR_FORMAT);
    ck_assert_str_eq(e.text, "parsing hide regexp: missing closing parenthesis at offset 1: `(`");
    ck_assert_int_eq(filter_profile(p, WITH(.tagfocus = "k=["), &units, &q, &notes, &e), ERR_FORMAT);
    ck_assert_msg(strstr(e.text, "parsing tagfocus regexp") != NULL, "%s", e.text);
    ck_assert_int_eq(filter_profile(p, WITH(.taghide = "*"), &units, &q, &notes, &e), ERR_FORMAT);
    ck_assert_ptr_null(q);
    profile_free(p);
}
END_TEST

START_TEST(expressions_given_up_are_errors)
{
    static const char hopeless[] = "^(?P<x>(.+)+)+\\k<x>(?:;|#)$";
    const struct config hopeless_ones[] = {*WITH(.focus = hopeless), *WITH(.ignore = hopeless),
        *WITH(.hide = hopeless), *WITH(.show = hopeless), *WITH(.show_from = hopeless),
        *WITH(.tagfocus = hopeless), *WITH(.tagignore = hopeless), *WITH(.prune_from = hopeless)};
    struct profile *p = gateway_profile(), *q = NULL;
    struct label_units units = {0};
    for (size_t i = 0; i < sizeof hopeless_ones / sizeof *hopeless_ones; i++) {
        struct error e = {0};
        ck_assert_msg(
            filter_profile(p, &hopeless_ones[i], &units, &q, &notes, &e) == ERR_LIMIT, "%zu: %s", i, e.text);
        ck_assert_msg(strstr(e.text, hopeless) != NULL, "%zu: %s", i, e.text);
        ck_assert_ptr_null(q);
        ck_assert_msg(notes.len == 0, "%zu: also said %s", i, notes.data); /* for it was not found out */
    }
    profile_free(p);
}
END_TEST

START_TEST(dropped_frames_go_below_the_users)
{
    struct profile *p = gateway_profile(), *q;
    struct error e;
    p->drop_frames = profile_string(p, "json_.*|cache_get");
    p->keep_frames = profile_string(p, "json_write");
    ck_assert_int_eq(filter_dropped_frames(p, &q, &e), 0);
    ck_assert_uint_eq(depth(q, 3), 3); /* json_object and what it calls are gone; json_write is kept */
    ck_assert_uint_eq(depth(q, 2), 2);
    ck_assert_uint_eq(depth(p, 3), 6);
    profile_free(q);
    p->drop_frames = profile_string(p, "main|serve_request");
    p->keep_frames = intern_empty;
    ck_assert_int_eq(filter_dropped_frames(p, &q, &e), 0);
    ck_assert_uint_eq(depth(q, 0), 3); /* those before the first of the user's stay */
    profile_free(q);
    p->drop_frames = profile_string(p, "(");
    ck_assert_int_eq(filter_dropped_frames(p, &q, &e), ERR_FORMAT);
    profile_free(p);
}
END_TEST

START_TEST(labels_become_frames)
{
    struct profile *p = gateway_profile(), *q;
    struct error e;
    notes.len = 0;
    ck_assert_int_eq(labels_to_frames(p, "route,nosuch", "bytes", "kb", &q, &notes, &e), 0);
    ck_assert_int_eq(profile_check(q, &e), 0);
    const struct sample *s = &q->samples.items[3]; /* orders, 4096 */
    ck_assert_uint_eq(s->nlocs, 6 + 3);
    uint32_t leaf = q->locs.items[s->first_loc], root = q->locs.items[s->first_loc + s->nlocs - 1];
    const struct line *lines = q->lines.items;
    ck_assert_str_eq(q->functions.items[lines[q->locations.items[leaf].first_line].function].name, "4kB");
    ck_assert_str_eq(q->functions.items[lines[q->locations.items[root].first_line].function].name, "orders");
    ck_assert_str_eq(q->functions.items[lines[q->locations.items[root].first_line].function].file, "route");
    profile_free(q);
    ck_assert_int_eq(labels_to_frames(p, "nosuch", "", "auto", &q, &notes, &e), 0);
    ck_assert_str_eq(notes.data, "TagRoot expression matched no samples\n");
    profile_free(q);
    profile_free(p);
}
END_TEST

START_TEST(units_of_labels_are_found)
{
    struct profile *p = gateway_profile();
    struct label_units units;
    const char *kb = profile_string(p, "kb"), *key = profile_string(p, "bytes"),
               *request = profile_string(p, "request");
    profile_add_sample(p, NULL, 0, (int64_t[]){1, 1},
        (struct label[]){{.key = key, .num = 1, .num_unit = kb, .is_num = true},
            {.key = request, .num = 2, .is_num = true}},
        2);
    notes.len = 0;
    ck_assert_int_eq(label_units_init(&units, p, &notes), 0);
    ck_assert_str_eq(label_units_get(&units, "bytes"), "bytes");
    ck_assert_str_eq(label_units_get(&units, "request"), "bytes");
    ck_assert_str_eq(label_units_get(&units, "nosuch"), "");
    ck_assert_str_eq(notes.data, "For tag bytes used unit bytes, also encountered unit(s) kb\n");
    label_units_fini(&units);
    profile_free(p);
}
END_TEST

START_TEST(profiles_of_different_units_are_combined)
{
    struct profile *a = gateway_profile(), *b = gateway_profile(), *sum, *difference;
    struct error e;
    b->sample_types.items[1].unit = profile_string(b, "milliseconds");
    for (size_t i = 0; i < b->samples.len; i++)
        profile_values(b, i)[1] /= 1000000;
    ck_assert_msg(combine_profiles((const struct profile *const[]){a, b}, 2, &sum, &e) == 0, "%s", e.text);
    ck_assert_int_eq(total(sum), 210);
    ck_assert_str_eq(sum->sample_types.items[1].unit, "nanoseconds");
    ck_assert_int_eq(profile_values(sum, 0)[1], 2 * 45 * 10000000); /* the stack that came twice, too */
    ck_assert_int_eq(combine_with_base(sum, a, true, false, &difference, &e), 0);
    ck_assert_int_eq(total(difference), 105);
    const struct sample *last = &difference->samples.items[difference->samples.len - 1];
    ck_assert_str_eq(difference->labels.items[last->first_label].key, "pprof::base");
    profile_free(difference);
    ck_assert_int_eq(combine_with_base(sum, a, false, true, &difference, &e), 0);
    ck_assert_uint_eq(difference->samples.len, 0); /* halved, then the same */
    profile_free(difference);
    profile_free(sum);
    b->sample_types.items[1].unit = profile_string(b, "bytes");
    ck_assert_int_eq(combine_profiles((const struct profile *const[]){a, b}, 2, &sum, &e), ERR_INVALID);
    profile_free(a);
    profile_free(b);
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {focus_and_ignore_choose_samples, hide_and_show_choose_frames,
        show_from_cuts_above, prune_from_cuts_below, tags_choose_samples, tag_names_are_shown_or_hidden,
        bad_expressions_are_named, expressions_given_up_are_errors, dropped_frames_go_below_the_users,
        labels_become_frames, units_of_labels_are_found, profiles_of_different_units_are_combined};
    return HARNESS_SUITE("filter", 10, tests);
}
