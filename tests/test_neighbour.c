#include "common/neighbour.h"
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Answers "N TEXT" with "<TEXT>" after N milliseconds. */
static long answer(const char *line, char *to, size_t size)
{
    char *text;
    long ms = strtol(line, &text, 10);
    snprintf(to, size, "<%s>", *text ? text + 1 : "");
    return ms;
}

static struct neighbour *start(void)
{
    struct neighbour *n = neighbour_start("test", answer);
    ck_assert_ptr_nonnull(n);
    return n;
}

START_TEST(each_line_gets_its_answer)
{
    struct neighbour *n = start();
    char text[NEIGHBOUR_LINE_MAX], line[NEIGHBOUR_LINE_MAX * 2], small[4];
    for (int i = 0; i < 100; i++) {
        char expected[32];
        snprintf(line, sizeof line, "0 question %d", i);
        snprintf(expected, sizeof expected, "<question %d>", i);
        ck_assert(neighbour_ask(n, line, text, sizeof text));
        ck_assert_str_eq(text, expected);
    }
    ck_assert(neighbour_ask(n, "0 cut", small, sizeof small));
    ck_assert_str_eq(small, "<cu");
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line, "0 ", 2);
    ck_assert(
        neighbour_ask(n, line, text, sizeof text)); /* too long for a line: cut, and the next is whole */
    ck_assert_uint_lt(strlen(text), NEIGHBOUR_LINE_MAX);
    ck_assert(neighbour_ask(n, "0 whole", text, sizeof text));
    ck_assert_str_eq(text, "<whole>");
    neighbour_stop(n);
    neighbour_free(n);
}
END_TEST

struct asker {
    struct neighbour *neighbour;
    pthread_t thread;
    const char *line;
    char text[NEIGHBOUR_LINE_MAX];
    atomic_bool done;
    bool answered;
};

static void *ask(void *argument)
{
    struct asker *a = argument;
    a->answered = neighbour_ask(a->neighbour, a->line, a->text, sizeof a->text);
    atomic_store(&a->done, true);
    return NULL;
}

/* One answer that takes a minute holds up no other; and with the process, its wait ends. */
START_TEST(none_waits_for_another)
{
    struct neighbour *n = start();
    struct asker slow = {.neighbour = n, .line = "60000 slow"}, quick[20];
    pthread_create(&slow.thread, NULL, ask, &slow);
    for (int i = 0; i < 20; i++) {
        quick[i] = (struct asker){.neighbour = n, .line = "20 quick"};
        pthread_create(&quick[i].thread, NULL, ask, &quick[i]);
    }
    for (int i = 0; i < 20; i++) {
        pthread_join(quick[i].thread, NULL);
        ck_assert(quick[i].answered);
        ck_assert_str_eq(quick[i].text, "<quick>");
    }
    ck_assert(!atomic_load(&slow.done));
    neighbour_stop(n);
    pthread_join(slow.thread, NULL);
    ck_assert(!slow.answered);
    ck_assert(!neighbour_ask(n, "0 gone", slow.text, sizeof slow.text));
    neighbour_free(n);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {each_line_gets_its_answer, none_waits_for_another};
    return HARNESS_SUITE("neighbour", 20, tests);
}
