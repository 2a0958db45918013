#include "fuzz.h"

#include <unistd.h>

/* What libFuzzer calls; FUZZ_TARGET, from the Makefile, is the target's function. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What targets print is not shown; what they break is. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_says = dup(STDERR_FILENO);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    FUZZ_TARGET(bytes, len);
    return 0;
}
