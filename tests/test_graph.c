#include "harness.h"

#include "gateway_profile.h"
#include "view/dot.h"
#include "view/trim.h"

#include <string.h>

struct built {
    struct profile *p;
    struct frames frames;
    struct graph g;
};

static void build(struct built *b, struct profile *p, struct config c, struct graph_options o)
{
    b->p = p;
    o.tag_unit = "bytes";
    o.output_unit = "minimum";
    ck_assert_int_eq(frames_init(&b->frames, p, frame_detail_of(&c), &c), 0);
    ck_assert_int_eq(graph_init(&b->g, &b->frames, &o), 0);
    ck_assert_int_eq(graph_link(&b->g), 0);
}

static void drop(struct built *b)
{
    graph_fini(&b->g);
    frames_fini(&b->frames);
    profile_free(b->p);
}

static const struct node *find(struct built *b, const char *name)
{
    for (size_t i = 0; i < b->g.listed.len; i++)
        if (strcmp(graph_name(&b->g, b->g.listed.items[i]), name) == 0)
            return &b->g.nodes.items[b->g.listed.items[i]];
    return NULL;
}

static const struct edge *edge(struct built *b, const char *from, const char *to)
{
    for (size_t i = 0; i < b->g.edges.len; i++) {
        const struct edge *e = &b->g.edges.items[i];
        if (!e->dropped && strcmp(graph_name(&b->g, e->src), from) == 0 &&
            strcmp(graph_name(&b->g, e->dest), to) == 0)
            return e;
    }
    return NULL;
}

static const struct config defaults = CONFIG_DEFAULT;

START_TEST(flat_is_the_leaf_and_cum_counts_once)
{
    struct built b;
    build(&b, gateway_profile(), defaults, (struct graph_options){0});
    ck_assert_int_eq(find(&b, "main")->cum, 105);
    ck_assert_int_eq(find(&b, "main")->flat, 0);
    ck_assert_int_eq(find(&b, "json_object")->cum, 30); /* twice in one stack */
    ck_assert_int_eq(find(&b, "json_object")->flat, 11);
    ck_assert_int_eq(find(&b, "list_move")->flat, 45);
    ck_assert_int_eq(find(&b, "cache_get")->cum, 60);
    ck_assert_int_eq(find(&b, "[libc.so.6]")->flat, 15);
    int64_t flat = 0;
    for (size_t i = 0; i < b.g.listed.len; i++)
        flat += b.g.nodes.items[b.g.listed.items[i]].flat;
    ck_assert_int_eq(flat, 105); /* nothing lost, nothing twice */
    ck_assert_int_eq(edge(&b, "cache_get", "list_move")->weight, 45);
    ck_assert(edge(&b, "cache_get", "list_move")->is_inline);
    ck_assert(!edge(&b, "serve_request", "cache_get")->is_inline);
    ck_assert_int_eq(edge(&b, "json_write", "json_object")->weight, 30);
    ck_assert_ptr_null(edge(&b, "json_object", "json_object"));
    drop(&b);
}
END_TEST

START_TEST(granularity_decides_what_a_node_is)
{
    struct built b;
    struct config c = defaults;
    c.granularity = GRANULARITY_FILES;
    build(&b, gateway_profile(), c, (struct graph_options){0});
    int64_t cache = 0; /* one for each function's first line, as in the source */
    for (size_t i = 0; i < b.g.listed.len; i++)
        if (strcmp(graph_name(&b.g, b.g.listed.items[i]), "demos/lesson6/cache.c") == 0)
            cache += b.g.nodes.items[b.g.listed.items[i]].flat;
    ck_assert_int_eq(cache, 41 + 3 + 5 + 4);
    ck_assert_int_eq(find(&b, "demos/common/hash.h")->flat, 7);
    drop(&b);
    c.granularity = GRANULARITY_LINES;
    build(&b, gateway_profile(), c, (struct graph_options){0});
    ck_assert_int_eq(find(&b, "list_move demos/lesson6/cache.c:25")->flat, 45);
    drop(&b);
    c.show_columns = true;
    build(&b, gateway_profile(), c, (struct graph_options){0});
    ck_assert_ptr_nonnull(find(&b, "list_move demos/lesson6/cache.c:25:3"));
    drop(&b);
    c.granularity = GRANULARITY_ADDRESSES;
    c.no_inlines = true;
    c.show_columns = false;
    build(&b, gateway_profile(), c, (struct graph_options){0});
    ck_assert_int_eq(find(&b, "0000000000403010 cache_get demos/lesson6/cache.c:70")->flat, 45);
    ck_assert_ptr_nonnull(find(&b, "00007f0000001000 [libc.so.6]"));
    drop(&b);
}
END_TEST

START_TEST(trimming_leaves_residual_edges)
{
    struct built b;
    struct trimmed t;
    build(&b, gateway_profile(), defaults, (struct graph_options){0});
    ck_assert_int_eq(trim_graph(&b.g, &(struct trim){.nodecount = 3, .cum = true}, &t), 0);
    ck_assert_uint_eq(b.g.listed.len, 3);
    ck_assert_uint_eq(t.nodes_before_top, 10);
    ck_assert_str_eq(graph_name(&b.g, b.g.listed.items[0]), "main");
    ck_assert_str_eq(graph_name(&b.g, b.g.listed.items[2]), "cache_get");
    ck_assert_int_eq(find(&b, "cache_get")->flat, 3); /* what was below does not become its own */
    drop(&b);
    build(&b, gateway_profile(), defaults, (struct graph_options){0});
    ck_assert_int_eq(trim_graph(&b.g, &(struct trim){.nodefraction = 0.42}, &t), 0);
    ck_assert_uint_eq(b.g.listed.len, 4); /* main, serve_request, cache_get, list_move */
    ck_assert_uint_eq(t.dropped_nodes, 6);
    ck_assert_str_eq(graph_name(&b.g, b.g.listed.items[0]), "list_move");
    drop(&b);
    struct config c = defaults;
    build(&b, gateway_profile(), c, (struct graph_options){0});
    for (size_t i = 0; i < b.g.nodes.len; i++)
        b.g.nodes.items[i].kept = strcmp(b.g.nodes.items[i].frame.name, "serve_request") != 0;
    ck_assert_int_eq(graph_keep(&b.g), 0);
    ck_assert_uint_eq(b.g.edges.len, 0);
    ck_assert_int_eq(graph_connect(&b.g), 0);
    ck_assert(edge(&b, "main", "cache_get")->residual);
    ck_assert_ptr_null(find(&b, "serve_request"));
    drop(&b);
}
END_TEST

START_TEST(edges_below_the_cutoff_are_dropped)
{
    struct built b;
    struct trimmed t;
    build(&b, gateway_profile(), defaults, (struct graph_options){0});
    ck_assert_int_eq(trim_graph(&b.g, &(struct trim){.edgefraction = 0.1}, &t), 0);
    ck_assert_uint_eq(t.dropped_edges, 3); /* 2, 5 and 7 of 105 */
    ck_assert_ptr_null(edge(&b, "cache_get", "hash_key"));
    ck_assert_ptr_nonnull(edge(&b, "json_write", "[libc.so.6]"));
    drop(&b);
}
END_TEST

START_TEST(call_trees_keep_paths_apart)
{
    struct built b;
    struct trimmed t;
    build(&b, gateway_profile(), defaults, (struct graph_options){.call_tree = true});
    size_t libc = 0, objects = 0;
    for (size_t i = 0; i < b.g.listed.len; i++) {
        libc += strcmp(graph_name(&b.g, b.g.listed.items[i]), "[libc.so.6]") == 0;
        objects += strcmp(graph_name(&b.g, b.g.listed.items[i]), "json_object") == 0;
        ck_assert_uint_le(b.g.nodes.items[b.g.listed.items[i]].n_in, 1);
    }
    ck_assert_uint_eq(libc, 2);
    ck_assert_uint_eq(objects, 3);
    for (size_t i = 0; i < b.g.listed.len; i++) {
        struct node *n = &b.g.nodes.items[b.g.listed.items[i]];
        n->kept = strcmp(n->frame.name, "serve_request") != 0;
    }
    ck_assert_int_eq(graph_trim_tree(&b.g), 0);
    ck_assert_int_eq(edge(&b, "main", "cache_get")->weight, 60);
    ck_assert(edge(&b, "main", "cache_get")->residual);
    ck_assert_int_eq(trim_graph(&b.g, &(struct trim){.nodecount = 2, .visual = true}, &t), 0);
    ck_assert_uint_eq(b.g.listed.len, 2);
    drop(&b);
}
END_TEST

START_TEST(means_divide_by_the_count)
{
    struct built b;
    build(&b, gateway_profile(), defaults, (struct graph_options){.value_index = 1, .mean = true});
    const struct node *n = find(&b, "list_move");
    ck_assert_int_eq(n->flat, 450000000);
    ck_assert_int_eq(node_flat(n), 10000000);
    drop(&b);
}
END_TEST

START_TEST(negative_nodes_can_be_dropped)
{
    struct profile *p = gateway_profile();
    profile_values(p, 1)[0] = -7;
    struct built b;
    build(&b, p, defaults, (struct graph_options){.drop_negative = true});
    ck_assert_ptr_null(find(&b, "hash_key"));
    ck_assert_ptr_nonnull(find(&b, "cache_get"));
    drop(&b);
}
END_TEST

START_TEST(tags_are_counted_only_where_they_are_drawn)
{
    struct built b;
    struct trimmed t;
    build(&b, gateway_profile(), defaults, (struct graph_options){.tags = true});
    ck_assert_uint_eq(b.g.tags.len, 0);
    ck_assert_int_eq(trim_graph(&b.g, &(struct trim){.nodecount = 2, .cum = true}, &t), 0);
    ck_assert_uint_gt(b.g.tags.len, 0);
    size_t in_runs = 0;
    for (size_t i = 0; i < b.g.listed.len; i++)
        in_runs += b.g.nodes.items[b.g.listed.items[i]].n_tags;
    ck_assert_uint_eq(in_runs, b.g.tags.len);
    drop(&b);
}
END_TEST

static int64_t tagged(const struct graph *g, const struct node *n)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < n->n_tags; i++)
        sum += 1000000 * g->tags.items[n->first_tag + i].flat + g->tags.items[n->first_tag + i].cum;
    return sum;
}

START_TEST(a_trimmed_call_tree_keeps_its_tags)
{
    struct built whole, b;
    struct graph_options o = {.call_tree = true, .tags = true};
    build(&whole, gateway_profile(), defaults, o);
    build(&b, gateway_profile(), defaults, o);
    for (size_t i = 0; i < b.g.listed.len; i++) {
        struct node *n = &b.g.nodes.items[b.g.listed.items[i]];
        n->kept = strcmp(n->frame.name, "list_move") != 0 && strcmp(n->frame.name, "serve_request") != 0;
    }
    ck_assert_int_eq(graph_trim_tree(&b.g), 0);
    ck_assert_ptr_null(find(&b, "list_move"));
    ck_assert_uint_lt(b.g.nodes.len, whole.g.nodes.len);
    ck_assert_int_eq(graph_count_tags(&whole.g, whole.g.listed.items, whole.g.listed.len), 0);
    ck_assert_int_eq(graph_count_tags(&b.g, b.g.listed.items, b.g.listed.len), 0);
    size_t same = 0;
    int64_t sum = 0;
    for (size_t i = 0; i < b.g.listed.len; i++) {
        const struct node *n = &b.g.nodes.items[b.g.listed.items[i]];
        for (size_t j = 0; j < whole.g.nodes.len; j++) {
            const struct node *w = &whole.g.nodes.items[j];
            if (w->parent != n->parent || strcmp(w->frame.name, n->frame.name) != 0)
                continue;
            same++;
            sum += tagged(&b.g, n);
            ck_assert_int_eq(tagged(&b.g, n), tagged(&whole.g, w));
        }
    }
    ck_assert_uint_eq(same, b.g.listed.len);
    ck_assert_int_gt(sum, 0);
    drop(&whole);
    drop(&b);
}
END_TEST

START_TEST(a_graph_without_edges_has_the_same_nodes)
{
    struct built with, without;
    struct trimmed t;
    build(&with, gateway_profile(), defaults, (struct graph_options){0});
    build(&without, gateway_profile(), defaults, (struct graph_options){.edges = EDGES_NONE});
    ck_assert_uint_eq(without.g.edges.len, 0);
    ck_assert_int_eq(trim_graph(&with.g, &(struct trim){.nodefraction = 0.1}, &t), 0);
    ck_assert_int_eq(trim_graph(&without.g, &(struct trim){.nodefraction = 0.1}, &t), 0);
    ck_assert_uint_eq(with.g.listed.len, without.g.listed.len);
    for (size_t i = 0; i < with.g.listed.len; i++) {
        const struct node *a = &with.g.nodes.items[with.g.listed.items[i]];
        const struct node *n = find(&without, graph_name(&with.g, with.g.listed.items[i]));
        ck_assert_ptr_nonnull(n);
        ck_assert_int_eq(a->flat, n->flat);
        ck_assert_int_eq(a->cum, n->cum);
    }
    drop(&with);
    drop(&without);
}
END_TEST

/* Those into a function that is inlined somewhere, and no others. */
START_TEST(edges_into_inlined_functions_alone_are_the_same_edges)
{
    struct built all, some;
    size_t found = 0, left_out = 0;
    build(&all, gateway_profile(), defaults, (struct graph_options){0});
    build(&some, gateway_profile(), defaults, (struct graph_options){.edges = EDGES_INTO_INLINED});
    ck_assert_int_eq(graph_link(&all.g), 0);
    ck_assert_int_eq(graph_link(&some.g), 0);
    for (size_t i = 0; i < all.g.edges.len; i++) {
        const struct edge *e = &all.g.edges.items[i];
        if (!all.g.nodes.items[e->dest].inlined) {
            ck_assert(!e->is_inline);
            left_out++;
            continue;
        }
        ck_assert_uint_lt(found, some.g.edges.len);
        const struct edge *same = &some.g.edges.items[found++];
        ck_assert_uint_eq(e->src, same->src);
        ck_assert_uint_eq(e->dest, same->dest);
        ck_assert_int_eq(e->weight, same->weight);
        ck_assert_int_eq(e->is_inline, same->is_inline);
    }
    ck_assert_uint_gt(left_out, 0);
    ck_assert_uint_gt(found, 0);
    ck_assert_uint_eq(found, some.g.edges.len);
    drop(&all);
    drop(&some);
}
END_TEST

START_TEST(cancelling_stops_the_walk)
{
    static volatile sig_atomic_t cancel = 1;
    struct profile *p = gateway_profile();
    struct frames f;
    struct graph g;
    ck_assert_int_eq(frames_init(&f, p, frame_detail_of(&defaults), NULL), 0);
    ck_assert_int_eq(
        graph_init(&g, &f, &(struct graph_options){.cancel = &cancel, .tag_unit = "", .output_unit = ""}),
        ERR_CANCELLED);
    frames_fini(&f);
    profile_free(p);
}
END_TEST

START_TEST(names_are_shortened_for_boxes)
{
    static const char *const cases[][2] = {{"github.com/a/b.Do", "b.Do"}, {"example.com/x/v3/y.f", "y.f"},
        {"main.main", "main.main"}, {"java.util.List.add(int)", "List.add"},
        {"com.x.Foo.<init>", "Foo.<init>"}, {"ns::sub::Class::method(int)", "Class::method"},
        {"ns::Vec::~Vec<int>", "Vec::~Vec<int>"}, {"std::sort", "std::sort"},
        {"(anonymous namespace)::f", "f"}, {"plain", "plain"}, {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        dot_put_short_name(cases[i][0], &b);
        ck_assert_str_eq(b.data ? b.data : "", cases[i][1]);
        buf_fini(&b);
    }
}
END_TEST

Suite *suite(void)
{
    const TTest *tests[] = {tags_are_counted_only_where_they_are_drawn,
        a_graph_without_edges_has_the_same_nodes, edges_into_inlined_functions_alone_are_the_same_edges,
        flat_is_the_leaf_and_cum_counts_once, granularity_decides_what_a_node_is,
        trimming_leaves_residual_edges, edges_below_the_cutoff_are_dropped, call_trees_keep_paths_apart,
        a_trimmed_call_tree_keeps_its_tags, means_divide_by_the_count, negative_nodes_can_be_dropped,
        cancelling_stops_the_walk, names_are_shortened_for_boxes};
    return HARNESS_SUITE("graph", 10, tests);
}
