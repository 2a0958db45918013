#include "stress.h"

#include "base/clock.h"
#include "cprof.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What the program does all the while. Each actor counts what it did; some do it in a function whose name the
 * balance looks for: those are in no other way.
 */
#define NAMED __attribute__((noinline, noclone))
#define NOT_A_TAIL_CALL() __asm__ volatile("" ::: "memory")

enum { STACK_BYTES = 256 << 10, MEGABYTE = 1 << 20, CHILD_SECONDS = 30 };

struct deeds deeds;
static atomic_bool stopping;
static pthread_attr_t small;
static void *throwing; /* the library that throws, or NULL */
static int (*throws)(int depth);

static void pause_us(long us)
{
    nanosleep(&(struct timespec){0, us * 1000}, NULL);
}

/* Whether the program has lacked something since, or does: then an attempt may fail. */
static bool lacked_since(unsigned changes)
{
    return changes % 2 || atomic_load(&stress->changes) != changes;
}

/* ---- threads are born and die ---------------------------------------------------------------------------
 */

bool deeds_thread(unsigned long *id, void *(*run)(void *arg), void *arg)
{
    int r = pthread_create(id, &small, run, arg);
    if (r == 0)
        atomic_fetch_add(&deeds.threads, 1);
    else if (r == EAGAIN)
        atomic_fetch_add(&deeds.no_threads, 1);
    else
        stress_fail("pthread_create: %s", strerror(r));
    return r == 0;
}

static void *lives_shortly(void *arg)
{
    free(malloc(100));
    return arg;
}

static void *makes_threads(void *arg)
{
    enum { BATCH = 8 };
    pthread_t ids[BATCH];
    while (!stopping) {
        int n = 0;
        for (int i = 0; i < BATCH; i++)
            n += deeds_thread(&ids[n], lives_shortly, NULL);
        pause_us(n ? 200 : 5000);
        while (n > 0)
            pthread_join(ids[--n], NULL);
    }
    return arg;
}

/* ---- libraries come and go ------------------------------------------------------------------------------
 */

static void *loads_libraries(void *arg)
{
    enum { BURST = 100, REST_MS = 1500 };
    static const char *const files[] = {".build/tests/lazy_calls.so", "libthread_db.so.1", "libresolv.so.2"};
    for (int n = 0; !stopping; n++) {
        unsigned changes = atomic_load(&stress->changes);
        void *library = dlopen(files[n % 3], RTLD_LAZY | RTLD_LOCAL);
        if (!library) {
            if (!lacked_since(changes))
                stress_fail("%s", dlerror());
            atomic_fetch_add(&deeds.no_loads, 1);
            continue;
        }
        double (*calls)(int) = NULL;
        *(void **)&calls = n % 3 == 0 ? dlsym(library, "lazy_calls") : NULL;
        for (int round = 0; calls && round < 20; round++)
            calls(round);
        dlclose(library);
        atomic_fetch_add(&deeds.loads, 1);
        pause_us(300);
        /* Whenever there is another library, all names are read anew, and little else is done. */
        for (int ms = 0; n % BURST == 0 && ms < REST_MS && !stopping; ms++)
            pause_us(1000);
    }
    return arg;
}

/* ---- children are forked and executed -------------------------------------------------------------------
 */

enum { CHILD_OK = 3, PROFILED = 8 };

static void be_child(int kind)
{
    struct rlimit limit;
    faults_in_child();
    alarm(CHILD_SECONDS); /* one that hangs is seen */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (kind == 0)
        execl("/bin/true", "true", (char *)NULL);
    pthread_t id;
    free(malloc(100000));
    bool good =
        kind != 0 && pthread_create(&id, &small, lives_shortly, NULL) == 0 && pthread_join(id, NULL) == 0;
    if (kind == 2) {
        char address[64];
        snprintf(address, sizeof address, "unix:/tmp/cprof-stress.%d", (int)getpid());
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        good = good && cprof_start(address) == 0 && cprof_write("heap", nowhere) == 0 &&
               cprof_write("threads?debug=2", nowhere) == 0;
        cprof_stop();
    }
    _exit(good ? CHILD_OK : 1);
}

static void *makes_children(void *arg)
{
    atomic_long *const counters[] = {&deeds.execs, &deeds.forks, &deeds.profiled_children};
    for (int n = 0; !stopping; n++) {
        int status = 0, kind = n % PROFILED == PROFILED - 1 ? 2 : n % 2;
        pid_t child = fork();
        if (child == 0)
            be_child(kind);
        if (child < 0 || waitpid(child, &status, 0) != child)
            stress_fail("no child: %s", strerror(errno));
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != (kind == 0 ? 0 : CHILD_OK))
            stress_fail("a child of kind %d ends with %#x", kind, (unsigned)status);
        atomic_fetch_add(counters[kind], 1);
        pause_us(2000);
    }
    return arg;
}

/* ---- exceptions -----------------------------------------------------------------------------------------
 */

static void *throws_exceptions(void *arg)
{
    for (int n = 0; !stopping; n++) {
        if (throws(n % 16) != 2)
            stress_fail("an exception was not caught as it should be");
        atomic_fetch_add(&deeds.exceptions, 1);
        pause_us(200);
    }
    return arg;
}

/* ---- mutexes that are destroyed by whoever had them last ------------------------------------------------
 */

static struct {
    pthread_mutex_t *now; /* the giver holds it; NULL: there will be no other */
    sem_t given, done;
} hand;

static NAMED void takes_mutex(pthread_mutex_t *m)
{
    pthread_mutex_lock(m);
    NOT_A_TAIL_CALL();
}

static NAMED void lets_mutex_go(pthread_mutex_t *m)
{
    pthread_mutex_unlock(m);
    NOT_A_TAIL_CALL();
}

/* The giver may still be inside its unlock when the mutex is gone. */
static void *destroys_mutexes(void *arg)
{
    for (;;) {
        sem_wait(&hand.given);
        pthread_mutex_t *m = hand.now;
        if (!m)
            return arg;
        takes_mutex(m);
        pthread_mutex_unlock(m);
        pthread_mutex_destroy(m);
        memset(m, 0xee, sizeof *m);
        free(m);
        atomic_fetch_add(&deeds.mutexes, 1);
        sem_post(&hand.done);
    }
}

static void *gives_mutexes(void *arg)
{
    while (!stopping) {
        pthread_mutex_t *m = malloc(sizeof *m);
        pthread_mutex_init(m, NULL);
        pthread_mutex_lock(m);
        hand.now = m;
        sem_post(&hand.given);
        for (int64_t end = clock_monotonic_ns() + 100000; clock_monotonic_ns() < end;)
            ;
        lets_mutex_go(m);
        sem_wait(&hand.done);
    }
    hand.now = NULL;
    sem_post(&hand.given);
    return arg;
}

/* ---- waits that can be counted --------------------------------------------------------------------------
 */

static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static intptr_t turn;

static NAMED void waits_its_turn(void)
{
    atomic_fetch_add(&deeds.waits, 1);
    pthread_cond_wait(&turned, &turn_lock);
    NOT_A_TAIL_CALL();
}

static void *takes_turns(void *me)
{
    pthread_mutex_lock(&turn_lock);
    while (!stopping) {
        while (turn != (intptr_t)me && !stopping)
            waits_its_turn();
        turn = !turn;
        pthread_cond_broadcast(&turned);
    }
    pthread_mutex_unlock(&turn_lock);
    return me;
}

/* ---- memory, processor, rest ----------------------------------------------------------------------------
 */

static NAMED void *keeps_a_megabyte(void)
{
    void *block = malloc(MEGABYTE);
    NOT_A_TAIL_CALL();
    return block;
}

static void *keeps_memory(void *arg)
{
    enum { KEPT = 16 };
    void *kept[KEPT] = {0};
    for (int n = 0; !stopping; n = (n + 1) % KEPT) {
        free(kept[n]);
        kept[n] = keeps_a_megabyte();
        atomic_fetch_add(&deeds.megabytes, 1);
        pause_us(500);
    }
    for (int n = 0; n < KEPT; n++)
        free(kept[n]);
    return arg;
}

static void *burns(void *arg)
{
    while (!stopping) {
        for (volatile int i = 0; i < 100000; i++)
            ;
        pause_us(1000);
    }
    return arg;
}

/* ---- all ------------------------------------------------------------------------------------------------
 */

static void *(*const actors[])(void *) = {makes_threads, makes_threads, loads_libraries, makes_children,
    destroys_mutexes, gives_mutexes, takes_turns, takes_turns, keeps_memory, burns, throws_exceptions};
enum { ACTORS = sizeof actors / sizeof *actors };
static pthread_t ids[ACTORS];

bool actors_can_throw(void)
{
    return throws != NULL;
}

void actors_init(void)
{
    throwing = dlopen(".build/tests/throws.so", RTLD_NOW);
    if (throwing)
        *(void **)&throws = dlsym(throwing, "throws");
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
}

static int actors_here(void)
{
    return throws ? ACTORS : ACTORS - 1;
}

void actors_start(void)
{
    stopping = false;
    sem_init(&hand.given, 0, 0);
    sem_init(&hand.done, 0, 0);
    for (intptr_t i = 0; i < actors_here(); i++)
        if (!deeds_thread(&ids[i], actors[i], (void *)(i % 2)))
            stress_fail("there is no thread for actor %d", (int)i);
}

void actors_stop(void)
{
    stopping = true;
    for (int i = 0; i < actors_here(); i++)
        pthread_join(ids[i], NULL);
}
