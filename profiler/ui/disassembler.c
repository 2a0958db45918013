#include "ui/disassembler.h"

#include "base/vec.h"
#include "ui/subprocess.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The whole path of an executable of that name in dir, or in PATH when dir is empty. */
static char *find_in(const char *dir, size_t len, const char *name)
{
    char *path;
    if (len) {
        if (asprintf(&path, "%.*s/%s", (int)len, dir, name) < 0)
            return NULL;
        if (access(path, X_OK) == 0)
            return path;
        free(path);
        return NULL;
    }
    for (const char *at = getenv("PATH"); at && *at;) {
        const char *end = strchrnul(at, ':');
        path = end > at ? find_in(at, (size_t)(end - at), name) : NULL;
        if (path)
            return path;
        at = *end ? end + 1 : end;
    }
    return NULL;
}

/* Entries for objdump itself before those for every tool. */
static char *find_program(const char *tools, const char *name)
{
    static const char tool[] = "objdump:";
    char *found = NULL;
    for (int general = 0; general < 2 && !found; general++) {
        for (const char *at = tools; !found;) {
            const char *end = strchrnul(at, ',');
            const char *colon = memchr(at, ':', (size_t)(end - at));
            if (general && !colon)
                found = find_in(at, (size_t)(end - at), name);
            else if (!general && strncmp(at, tool, strlen(tool)) == 0)
                found = find_in(colon + 1, (size_t)(end - colon - 1), name);
            if (!*end)
                break;
            at = end + 1;
        }
    }
    return found;
}

/* What --version says: llvm-objdump has other options. */
static bool ask_version(struct objdump *o)
{
    struct buf text = {0};
    struct error ignored;
    char *const argv[] = {o->program, "--version", NULL};
    int code = subprocess_run(argv, NULL, &text, true, o->cancel, &ignored);
    o->is_llvm = text.data && strstr(text.data, "LLVM");
    bool usable = !code && text.data && (o->is_llvm || strstr(text.data, "GNU objdump"));
    buf_fini(&text);
    return usable;
}

static bool find(struct objdump *o)
{
    static const char *const names[] = {"llvm-objdump", "objdump"};
    for (int i = 0; i < 2 && !o->program; i++) {
        o->program = find_program(o->tools, names[i]);
        if (o->program && !ask_version(o)) {
            free(o->program);
            o->program = NULL;
        }
    }
    if (!o->program)
        o->program = strdup("");
    return o->program && *o->program;
}

static int run(void *context, const char *file, uint64_t start, uint64_t stop, bool intel, struct buf *text,
    struct error *error)
{
    struct objdump *o = context;
    char from[40], to[40];
    VEC(char *) argv = {0};
    if (!o->program)
        find(o);
    if (!o->program || !*o->program)
        return error_set(error, ERR_NOTFOUND,
            *o->tools ? "no objdump in %s, where -tools or PPROF_TOOLS says"
                      : "objdump%s is not installed: the package binutils has it",
            o->tools);
    snprintf(from, sizeof from, "--start-address=%#" PRIx64, start);
    snprintf(to, sizeof to, "--stop-address=%#" PRIx64, stop);
    char *const fixed[] = {
        o->program, "--disassemble", "--demangle", "--no-show-raw-insn", "--line-numbers", from, to};
    bool ok = vec_reserve(&argv, 12);
    for (size_t i = 0; ok && i < sizeof fixed / sizeof *fixed; i++)
        argv.items[argv.len++] = fixed[i];
    if (ok && intel && o->is_llvm)
        argv.items[argv.len++] = "--x86-asm-syntax=intel";
    if (ok && intel && !o->is_llvm) {
        argv.items[argv.len++] = "-M";
        argv.items[argv.len++] = "intel";
    }
    int code = ERR_NOMEM;
    if (ok) {
        argv.items[argv.len++] = (char *)file;
        argv.items[argv.len] = NULL;
        code = subprocess_run(argv.items, NULL, text, true, o->cancel, error);
    }
    vec_fini(&argv);
    return code == ERR_NOMEM ? error_set(error, code, "out of memory") : code;
}

struct disassembler objdump_disassembler(
    struct objdump *o, const char *tools, const volatile sig_atomic_t *cancel)
{
    const char *environment = getenv("PPROF_TOOLS");
    *o = (struct objdump){.tools = tools ? tools : environment ? environment : "", .cancel = cancel};
    return (struct disassembler){run, o};
}

void objdump_fini(struct objdump *o)
{
    free(o->program);
    *o = (struct objdump){0};
}
