#include "symbol/fileguard.h"

#include "base/error.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static struct fileguard files[FILEGUARD_MAX]; /* claimed and freed under lock; read by the handler without */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t open_files;       /* guarded by lock */
static struct sigaction before; /* guarded by lock; read by the handler while there are files */

/* ---- the handler ----------------------------------------------------------------------------------------
 */

static uintptr_t page_bytes(void)
{
    return (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* Zeroes from the page of address on. mmap is a system call and nothing else. */
static bool mend_sigsafe(uintptr_t address)
{
    for (size_t i = 0; i < FILEGUARD_MAX; i++) {
        uintptr_t limit = files[i].limit, start = files[i].start;
        if (!start || address < start || address >= limit || files[i].limit != limit)
            continue; /* a slot may change hands while it is read, but not its two halves at once */
        uintptr_t from = address & ~(page_bytes() - 1);
        files[i].torn = true;
        return mmap((void *)from, limit - from, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
    }
    return false;
}

/* As if we had not been there. After the default action is back, the instruction faults once more. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    bool was_sent = info->si_code <= 0;
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else if (before.sa_handler == SIG_DFL || !was_sent) {
        signal(number, SIG_DFL);
        if (was_sent)
            raise(number);
    }
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code <= 0 || !mend_sigsafe((uintptr_t)info->si_addr))
        pass_on(number, info, context);
    errno = saved;
}

/* `before` is known before the handler can need it. */
static void install_locked(void)
{
    struct sigaction ours = {.sa_sigaction = on_sigbus};
    if (sigaction(SIGBUS, NULL, &before))
        return;
    ours.sa_mask = before.sa_mask;
    ours.sa_flags = SA_SIGINFO | (before.sa_flags & (SA_ONSTACK | SA_NODEFER | SA_RESTART));
    sigaction(SIGBUS, &ours, NULL);
}

static void remove_locked(void)
{
    struct sigaction now;
    if (!sigaction(SIGBUS, NULL, &now) && now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_sigbus)
        sigaction(SIGBUS, &before, NULL);
}

void fileguard_enter(sigset_t *old)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGBUS);
    pthread_sigmask(SIG_UNBLOCK, &set, old);
}

void fileguard_leave(const sigset_t *old)
{
    if (sigismember(old, SIGBUS))
        pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* ---- files ----------------------------------------------------------------------------------------------
 */

static struct fileguard *claim(uintptr_t start, uintptr_t limit)
{
    struct fileguard *free = NULL;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < FILEGUARD_MAX && !free; i++)
        if (!files[i].limit)
            free = &files[i];
    if (free) {
        free->torn = false;
        free->start = start;
        free->limit = limit;
        if (open_files++ == 0)
            install_locked();
    }
    pthread_mutex_unlock(&lock);
    return free;
}

static uintptr_t whole_pages(size_t len)
{
    return (len + page_bytes()) & ~(page_bytes() - 1); /* at least one byte more than len */
}

int fileguard_map(int fd, size_t len, struct fileguard **out)
{
    if (len >= SIZE_MAX / 2)
        return ERR_NOMEM;
    const int rights = PROT_READ | PROT_WRITE;
    size_t bytes = whole_pages(len);
    void *image = mmap(NULL, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (image == MAP_FAILED)
        return ERR_NOMEM;
    int code = ERR_IO;
    if (mmap(image, len, rights, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED) {
        *out = claim((uintptr_t)image, (uintptr_t)image + bytes);
        code = *out ? 0 : ERR_LIMIT;
    }
    if (code)
        munmap(image, bytes);
    return code;
}

void fileguard_unmap(struct fileguard *g)
{
    if (!g)
        return;
    void *image = fileguard_image(g);
    size_t bytes = g->limit - g->start;
    pthread_mutex_lock(&lock);
    g->limit = g->start = 0;
    if (open_files && --open_files == 0)
        remove_locked();
    pthread_mutex_unlock(&lock);
    munmap(image, bytes);
}

/* Whole pages inside. Those that were mended stay zero, being nobody's. */
void fileguard_drop(struct fileguard *g, size_t from, size_t to)
{
    uintptr_t page = page_bytes(), low = (from + page - 1) & ~(page - 1), high = to & ~(page - 1);
    if (low < high && high <= g->limit - g->start)
        madvise((char *)fileguard_image(g) + low, high - low, MADV_DONTNEED);
}

void fileguard_after_fork(void)
{
    pthread_mutex_init(&lock, NULL);
    for (size_t i = 0; i < FILEGUARD_MAX; i++)
        files[i].limit = files[i].start = 0;
    if (open_files)
        remove_locked();
    open_files = 0;
}
