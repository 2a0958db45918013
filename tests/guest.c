#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * guest MODE: a program that knows nothing of the profiler, for preload.sh. It keeps 8 MiB, does what its
 * mode says in two threads until its standard input ends, prints one line and exits with 7. Some modes do
 * something else; they come first in main().
 */
enum { CODE = 7, BLOCKS = 128, BLOCK_BYTES = 65536 };

static atomic_bool stopping;
static atomic_int failures, rounds;

void spin(void);

/* Of the name that a CPU profile must show. */
__attribute__((noinline)) void spin(void)
{
    for (volatile int i = 0; i < 2000000; i++)
        ;
}

static void loads_objects(void)
{
    void *object = dlopen("libresolv.so.2", RTLD_NOW);
    if (!object || !dlsym(object, "ns_name_pton") || dlclose(object) != 0)
        failures++;
    usleep(5000);
}

static void makes_children(void)
{
    int status;
    pid_t forked = fork();
    if (forked == 0)
        _exit(malloc(100000) ? 3 : 4);
    if (waitpid(forked, &status, 0) != forked || !WIFEXITED(status) || WEXITSTATUS(status) != 3)
        failures++;
    pid_t executed = fork();
    if (executed == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(5);
    }
    if (waitpid(executed, &status, 0) != executed || status != 0)
        failures++;
    usleep(20000);
}

static atomic_int own_signals;

static void on_prof(int number)
{
    (void)number;
    own_signals++;
}

/* A profiler of its own: its handler must go on being the one that is called. */
static void takes_sigprof(void)
{
    struct sigaction now;
    spin();
    usleep(500);
    if (sigaction(SIGPROF, NULL, &now) != 0 || now.sa_handler != on_prof)
        failures++;
}

/* From now on the kernel refuses these calls to all threads there are, and to what is executed. */
static bool refuse(const int *calls, int n)
{
    enum { MAX = 8 };
    struct sock_filter code[2 * MAX + 2] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)}; /* the call's number */
    unsigned short at = 1;
    for (int i = 0; i < n && i < MAX; i++) {
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
        code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {at, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

/* What a profiler would like: timers, memory behind a descriptor, reading through the kernel. */
static bool enter_sandbox(void)
{
    const int calls[] = {SYS_timer_create, SYS_perf_event_open, SYS_memfd_create, SYS_process_vm_readv,
        SYS_process_vm_writev, SYS_rt_tgsigqueueinfo};
    return refuse(calls, sizeof calls / sizeof *calls);
}

static int run_without_sockets(char **command)
{
    const int calls[] = {SYS_socket};
    if (!refuse(calls, 1))
        return 1;
    execvp(command[0], command);
    return 1;
}

static void *work(void *mode)
{
    sigset_t all;
    sigfillset(&all);
    if (strcmp(mode, "masked") == 0)
        pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (; !stopping || !rounds; rounds++) {
        if (strcmp(mode, "dlopen") == 0)
            loads_objects();
        else if (strcmp(mode, "children") == 0)
            makes_children();
        else if (strcmp(mode, "sigprof") == 0)
            takes_sigprof();
        else
            spin(), usleep(5000);
    }
    return NULL;
}

static int own_threads(void)
{
    int n = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *e; tasks && (e = readdir(tasks));)
        n += e->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return n;
}

/* How many threads there are in a forked child, and in an executed one. */
static int count_in_children(const char *self)
{
    for (int executes = 0; executes < 2; executes++) {
        pid_t child = fork();
        if (child == 0 && executes)
            execl(self, self, "count", (char *)NULL);
        if (child == 0) {
            dprintf(1, "%d\n", own_threads());
            exit(0);
        }
        waitpid(child, NULL, 0);
    }
    return CODE;
}

/* As daemon() does, but the parent stays for the child's exit code. */
static void become_daemon(void)
{
    int status = 0;
    pid_t child = fork();
    if (child > 0) {
        waitpid(child, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    setsid();
}

/* Its name says when it is there. */
static void wait_for_end_of_input(void)
{
    char byte;
    pthread_setname_np(pthread_self(), "waiting");
    while (read(0, &byte, 1) > 0)
        ;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    static char *kept[BLOCKS];
    pthread_t threads[2];
    if (strcmp(mode, "count") == 0)
        return printf("%d\n", own_threads()) < 0;
    if (strcmp(mode, "confined") == 0 && argc > 2)
        return run_without_sockets(argv + 2);
    if (strcmp(mode, "family") == 0)
        return count_in_children(argv[0]);
    for (int i = 0; i < BLOCKS; i++)
        if ((kept[i] = malloc(BLOCK_BYTES)))
            memset(kept[i], i, BLOCK_BYTES);
    if (strcmp(mode, "sigprof") == 0) {
        struct sigaction action = {.sa_handler = on_prof, .sa_flags = SA_RESTART};
        struct itimerval every = {{0, 10000}, {0, 10000}};
        sigaction(SIGPROF, &action, NULL);
        setitimer(ITIMER_PROF, &every, NULL);
    }
    if (strcmp(mode, "daemon") == 0)
        become_daemon();
    if (strcmp(mode, "closing") == 0 || strcmp(mode, "daemon") == 0)
        closefrom(3);
    if (strcmp(mode, "sandbox") == 0 && !enter_sandbox())
        failures++;
    bool has_threads = strcmp(mode, "alone") != 0;
    for (int i = 0; i < 2 && has_threads; i++)
        if (pthread_create(&threads[i], NULL, work, argv[1]) != 0)
            return 1;
    wait_for_end_of_input();
    stopping = true;
    for (int i = 0; i < 2 && has_threads; i++)
        pthread_join(threads[i], NULL);
    printf("%s: %d failures, first block %d\n", mode, (int)failures, kept[0] ? kept[0][1] : -1);
    return CODE;
}
