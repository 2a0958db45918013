#include "capture/ticks.h"

#if defined(__x86_64__)
#include <sys/platform/x86.h>
#endif

int ticks_are_cycles;
static int64_t base_ticks, base_ns;

/* What the loader has asked: in a virtual machine the instruction itself takes 6 us. */
static int cycles_are_steady(void)
{
#if defined(__x86_64__)
    return x86_cpu_present(x86_cpu_INVARIANT_TSC);
#else
    return 0;
#endif
}

void ticks_init(void)
{
    if (base_ns)
        return;
    ticks_are_cycles = cycles_are_steady();
    base_ticks = ticks_now();
    base_ns = clock_monotonic_ns();
}

int64_t ticks_ago_ns(int64_t then, int64_t now_ticks, int64_t now_ns)
{
    int64_t ago = now_ticks - then;
    if (ago < 0)
        return 0;
    if (!ticks_are_cycles || now_ticks <= base_ticks)
        return ago;
    return (int64_t)((double)ago * (double)(now_ns - base_ns) / (double)(now_ticks - base_ticks));
}
