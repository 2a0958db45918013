#include "capture/cpu_perf.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- events ---------------------------------------------------------------------------------------------
 */

static struct perf_event_attr task_clock(int64_t period_ns)
{
    return (struct perf_event_attr){.type = PERF_TYPE_SOFTWARE,
        .size = sizeof(struct perf_event_attr),
        .config = PERF_COUNT_SW_TASK_CLOCK,
        .sample_period = (uint64_t)period_ns,
        .disabled = 1,
        .exclude_hv = 1,
        .wakeup_events = 1};
}

static int open_event(struct perf_event_attr *attr, pid_t tid)
{
    int fd = (int)syscall(SYS_perf_event_open, attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cpu_perf_signal(pid_t tid, int64_t period_ns)
{
    struct perf_event_attr attr = task_clock(period_ns);
    struct f_owner_ex owner = {F_OWNER_TID, tid};
    int fd = open_event(&attr, tid);
    if (fd < 0)
        return fd;
    if (fcntl(fd, F_SETSIG, CPU_PERF_SIGNAL) == 0 && fcntl(fd, F_SETOWN_EX, &owner) == 0 &&
        fcntl(fd, F_SETFL, O_ASYNC) == 0 && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0)
        return fd;
    int e = errno;
    close(fd);
    return -e;
}

void cpu_perf_set_period(int fd, int64_t period_ns)
{
    uint64_t period = (uint64_t)period_ns;
    ioctl(fd, PERF_EVENT_IOC_PERIOD, &period);
}

/* ---- the ring -------------------------------------------------------------------------------------------
 */

/* Small, for the kernel counts them against what a user may lock in memory (perf_event_mlock_kb). */
enum { RING_PAGES = 16, STACK_BYTES = 8192 };

#if defined(__x86_64__)
enum { REG_BX, REG_BP, REG_SP, REG_IP, NREGS }; /* as the kernel sorts them */
#define REGS_MASK                                                                                       \
    (UINT64_C(1) << PERF_REG_X86_BX | UINT64_C(1) << PERF_REG_X86_BP | UINT64_C(1) << PERF_REG_X86_SP | \
        UINT64_C(1) << PERF_REG_X86_IP)
#elif defined(__aarch64__)
enum { REG_BP, REG_SP, REG_IP, NREGS, REG_BX = REG_BP };
#define REGS_MASK \
    (UINT64_C(1) << PERF_REG_ARM64_X29 | UINT64_C(1) << PERF_REG_ARM64_SP | UINT64_C(1) << PERF_REG_ARM64_PC)
#endif

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

int cpu_perf_ring(pid_t tid, int64_t period_ns, struct cpu_ring *out)
{
    struct perf_event_attr attr = task_clock(period_ns);
    attr.sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
    attr.sample_regs_user = REGS_MASK;
    attr.sample_stack_user = STACK_BYTES;
    int fd = open_event(&attr, tid);
    if (fd == -EACCES || fd == -EPERM) {
        attr.exclude_kernel = 1;
        fd = open_event(&attr, tid);
    }
    if (fd < 0)
        return fd;
    void *map = mmap(NULL, (1 + RING_PAGES) * page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) != 0) {
        int e = errno;
        if (map != MAP_FAILED)
            munmap(map, (1 + RING_PAGES) * page_bytes());
        close(fd);
        return -e;
    }
    *out = (struct cpu_ring){fd, map, attr.exclude_kernel};
    return 0;
}

void cpu_perf_ring_fini(struct cpu_ring *ring)
{
    munmap(ring->map, (1 + RING_PAGES) * page_bytes());
    close(ring->fd);
}

/* A record of the ring with its sample, as the attributes above ask for it. */
struct sample {
    struct perf_event_header header;
    uint64_t abi;
    uint64_t regs[NREGS];
    uint64_t stack_bytes;
    char stack[STACK_BYTES];
    uint64_t stack_filled; /* how much of it there was */
};

/* Where a thread has no user registers (it is on its way out), the kernel leaves them out. */
static bool is_whole(const struct sample *s)
{
    return s->header.type == PERF_RECORD_SAMPLE && s->header.size == sizeof *s && s->abi != 0 &&
           s->stack_bytes == STACK_BYTES && s->stack_filled <= STACK_BYTES;
}

static void unwind_sample(const struct sample *s, struct unwind_stack *out)
{
    struct unwind_regs regs = {.rip = (uintptr_t)s->regs[REG_IP],
        .rsp = (uintptr_t)s->regs[REG_SP],
        .rbp = (uintptr_t)s->regs[REG_BP],
        .rbx = (uintptr_t)s->regs[REG_BX]};
    struct unwind_memory memory = {regs.rsp, regs.rsp + s->stack_filled, s->stack};
    unwind_saved_sigsafe(&regs, &memory, out);
}

/* Copies what is at a position that only grows; the end of the ring goes on at its beginning. */
static void copy_out(const struct cpu_ring *ring, uint64_t at, void *to, size_t bytes)
{
    size_t size = RING_PAGES * page_bytes(), from = at % size;
    size_t first = size - from < bytes ? size - from : bytes;
    const char *data = ring->map + page_bytes();
    memcpy(to, data + from, first);
    memcpy((char *)to + first, data, bytes - first);
}

static int count_samples(const struct cpu_ring *ring, uint64_t tail, uint64_t head)
{
    struct perf_event_header header;
    int n = 0;
    for (; tail < head; tail += header.size) {
        copy_out(ring, tail, &header, sizeof header);
        n += header.type == PERF_RECORD_SAMPLE;
        if (header.size == 0)
            break;
    }
    return n;
}

void cpu_perf_drain(
    struct cpu_ring *ring, void (*look)(void *arg, int i, int n, const struct unwind_stack *stack), void *arg)
{
    struct perf_event_mmap_page *page = (struct perf_event_mmap_page *)ring->map;
    uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), tail = page->data_tail;
    int n = count_samples(ring, tail, head), i = 0;
    while (tail < head) {
        struct sample s;
        struct unwind_stack stack;
        copy_out(ring, tail, &s.header, sizeof s.header);
        if (s.header.size == 0)
            break;
        if (s.header.size == sizeof s)
            copy_out(ring, tail, &s, sizeof s);
        tail += s.header.size;
        if (s.header.size == sizeof s && is_whole(&s)) {
            unwind_sample(&s, &stack);
            look(arg, i, n, &stack);
        }
        i += s.header.type == PERF_RECORD_SAMPLE;
    }
    __atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
}
