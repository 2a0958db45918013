#ifndef UI_DISASSEMBLER_H
#define UI_DISASSEMBLER_H

#include "view/assembly.h"

#include <signal.h>

/*
 * objdump, where -tools and PPROF_TOOLS say: entries with commas between, each a directory, or NAME:DIRECTORY
 * for one tool; without either in PATH. llvm-objdump is taken before objdump, as by go tool pprof.
 */
struct objdump {
    const char *tools;
    const volatile sig_atomic_t *cancel;
    char *program; /* NULL until it was looked for, "" when there is none */
    bool is_llvm;
};

/* tools: NULL for the environment's. What it points at must stay. Free with objdump_fini. */
struct disassembler objdump_disassembler(
    struct objdump *o, const char *tools, const volatile sig_atomic_t *cancel);
void objdump_fini(struct objdump *o);

#endif
