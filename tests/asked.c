#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What a program asks the kernel for that lasts, or that reads files: a line each, in order, from its last
 * exec to its end, on standard output.
 *
 *     asked COMMAND…
 *
 *     file PATH, thread, process, socket, handler SIGNAL, timer, descriptor
 *
 * A file that is not there counts, a handler that is only looked at does not. The command's own output goes
 * nowhere. Exit: 0 when it ended with 0, 1 when not, 77 where nobody may be traced.
 */

static char *lines; /* since the last exec */
static size_t nlines;
static FILE *out;

static void start_over(void)
{
    if (out)
        fclose(out);
    free(lines);
    out = open_memstream(&lines, &nlines);
    if (!out)
        exit(2);
}

static void note_path(pid_t pid, uint64_t at)
{
    char path[4096] = "";
    struct iovec to = {path, sizeof path - 1}, from = {(void *)(uintptr_t)at, sizeof path - 1};
    for (; from.iov_len > 0 && process_vm_readv(pid, &to, 1, &from, 1, 0) < 0; from.iov_len /= 2)
        ; /* shorter, if the page after it is none */
    fprintf(out, "file %s\n", path);
}

static void note_call(pid_t pid, uint64_t number, const uint64_t *args)
{
    switch (number) {
    case SYS_openat:
    case SYS_openat2:
    case SYS_readlinkat:
        note_path(pid, args[1]);
        break;
#if defined(SYS_open)
    case SYS_open:
    case SYS_readlink:
        note_path(pid, args[0]);
        break;
    case SYS_fork:
    case SYS_vfork:
        fputs("process\n", out);
        break;
    case SYS_pipe:
#endif
    case SYS_pipe2:
    case SYS_eventfd2:
    case SYS_epoll_create1:
    case SYS_memfd_create:
    case SYS_perf_event_open:
        fputs("descriptor\n", out);
        break;
    case SYS_clone:
    case SYS_clone3:
        fputs("thread\n", out);
        break;
    case SYS_socket:
    case SYS_socketpair:
        fputs("socket\n", out);
        break;
    case SYS_rt_sigaction:
        if (args[1])
            fprintf(out, "handler %d\n", (int)args[0]);
        break;
    case SYS_timer_create:
    case SYS_setitimer:
        fputs("timer\n", out);
        break;
    }
}

static void begin(char **command)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, 1) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(77);
    raise(SIGSTOP);
    execvp(*command, command);
    _exit(127);
}

/* Goes on to the next stop of any of them, with the signal it is to get. */
static void look_at(pid_t pid, int status)
{
    struct __ptrace_syscall_info info;
    int signal = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) {
        start_over();
    } else if (signal == (SIGTRAP | 0x80)) {
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY)
            note_call(pid, info.entry.nr, info.entry.args);
    }
    bool is_ours = event || signal == (SIGTRAP | 0x80) || signal == SIGSTOP;
    ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(uintptr_t)(is_ours ? 0 : signal));
}

int main(int argc, char **argv)
{
    int status = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: asked COMMAND...\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0)
        begin(argv + 1);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, child, NULL,
            PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL) != 0) {
        fprintf(stderr, "asked: nobody may be traced here\n");
        return 77;
    }
    start_over();
    ptrace(PTRACE_SYSCALL, child, NULL, NULL);
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
        if (WIFSTOPPED(status))
            look_at(pid, status);
        else if (pid == child)
            break;
    }
    fclose(out);
    fwrite(lines, 1, nlines, stdout);
    free(lines);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
