#include <cstdio>
#include <cstring>
#include <atomic>
#include <exception>
#include <memory>
#include <pthread.h>
#include <semaphore.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

/*
 * A C++ program that knows nothing of the profiler, for preload_programs.sh: two threads throw exceptions through
 * frames with destructors, and have threads cancelled that wait in wrapped calls, until standard input ends.
 * Ends like guest.c.
 */
static const int CODE = 7;
static std::atomic<bool> stopping;
static std::atomic<long> failures, rounds, destroyed, cancelled;

struct counted {
    std::string text;
    explicit counted(const char *t) : text(t) {}
    ~counted() { destroyed++; }
};

extern "C" __attribute__((noinline)) void throws_deep(int depth)
{
    counted here("a string too long to be kept inside the object");
    if (depth == 0)
        throw std::runtime_error(here.text);
    throws_deep(depth - 1);
    rounds++; /* no tail call */
}

static void throw_and_catch()
{
    long before = destroyed;
    try {
        throws_deep(20);
        failures++;
    } catch (const std::exception &e) {
        if (std::strlen(e.what()) != 46)
            failures++;
    }
    if (destroyed - before < 21)
        failures++;
}

/* An exception kept and thrown again elsewhere, and one that leaves a callback of libc's. */
static void throw_through_libc()
{
    std::exception_ptr kept;
    try {
        throws_deep(3);
    } catch (...) {
        kept = std::current_exception();
    }
    int numbers[8] = {7, 6, 5, 4, 3, 2, 1, 0};
    static thread_local std::exception_ptr *inside;
    inside = &kept;
    try {
        std::qsort(numbers, 8, sizeof *numbers, [](const void *, const void *) -> int {
            std::rethrow_exception(*inside);
        });
        failures++;
    } catch (const std::runtime_error &) {
        return;
    }
    failures++;
}

enum wait { SLEEPS, READS, WAITS_SEM, WAITS_COND, NWAITS };
static int pipe_fds[2];
static sem_t never;

static void *waits(void *kind)
{
    counted here("destroyed by the unwinding that cancels");
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    char byte;
    switch ((wait)(long)kind) {
    case SLEEPS:
        sleep(100);
        break;
    case READS:
        failures += read(pipe_fds[0], &byte, 1) >= 0;
        break;
    case WAITS_SEM:
        sem_wait(&never);
        break;
    default:
        pthread_mutex_lock(&m);
        pthread_cleanup_push([](void *held) { pthread_mutex_unlock((pthread_mutex_t *)held); }, &m);
        pthread_cond_wait(&c, &m);
        pthread_cleanup_pop(0);
    }
    return NULL;
}

static void cancel_waiting(long kind)
{
    pthread_t t;
    void *result = NULL;
    long before = destroyed;
    if (pthread_create(&t, NULL, waits, (void *)kind) != 0) {
        failures++;
        return;
    }
    usleep(1000);
    pthread_cancel(t);
    if (pthread_join(t, &result) != 0 || result != PTHREAD_CANCELED || destroyed == before)
        failures++;
    cancelled++;
}

static void *work(void *)
{
    for (long i = 0; !stopping || i < NWAITS; i++) {
        for (int k = 0; k < 50; k++)
            throw_and_catch();
        throw_through_libc();
        cancel_waiting(i % NWAITS);
        usleep(5000);
    }
    return NULL;
}

int main()
{
    std::vector<std::unique_ptr<counted>> kept;
    for (int i = 0; i < 20000; i++)
        kept.push_back(std::make_unique<counted>("kept, and long enough to be on the heap, until the end"));
    pthread_t threads[2];
    char byte;
    if (pipe(pipe_fds) != 0 || sem_init(&never, 0, 0) != 0)
        return 1;
    for (pthread_t &t : threads)
        if (pthread_create(&t, NULL, work, NULL) != 0)
            return 1;
    pthread_setname_np(pthread_self(), "waiting");
    while (read(0, &byte, 1) > 0)
        ;
    stopping = true;
    for (pthread_t &t : threads)
        pthread_join(t, NULL);
    std::printf("throws: %ld failures, cancelled %d\n", failures.load(), cancelled > 0);
    return CODE;
}
