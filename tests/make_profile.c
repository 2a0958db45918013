#include "gateway_profile.h"

#include "model/codec.h"

#include <stdio.h>

/* Writes a profile of our own making to standard output, gzipped: make_profile gateway, or make_profile SEED.
 */
int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: make_profile gateway|SEED\n", stderr);
        return 2;
    }
    unsigned seed = (unsigned)strtoul(argv[1], NULL, 10);
    struct profile *p = seed ? random_profile(seed) : gateway_profile();
    struct buf out = {0};
    struct error error;
    int failed = profile_encode(p, true, &out, &error) || fwrite(out.data, 1, out.len, stdout) != out.len;
    if (failed)
        fprintf(stderr, "make_profile: %s\n", error.text);
    buf_fini(&out);
    profile_free(p);
    return failed;
}
