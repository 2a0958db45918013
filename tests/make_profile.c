#include "gateway_profile.h"

#include "hostile_profile.h"
#include "model/codec.h"
#include "variant_profile.h"

#include <stdio.h>
#include <string.h>

static volatile int answer;

__attribute__((noinline)) static void sampled_function(void)
{
    answer = answer * 3 + 1;
}

/* Seven samples in a function of this program, which lacks names. */
static struct profile *own_profile(void)
{
    struct profile *p = profile_new(NULL);
    uint64_t address = (uint64_t)(uintptr_t)sampled_function;
    char line[600], file[400] = "";
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long start = 0, limit = 0, offset = 0;
    while (maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %399s", &start, &limit, &offset, file) == 4 &&
            address >= start && address < limit)
            break;
    if (maps)
        fclose(maps);
    sampled_function();
    struct mapping m = {.start = start, .limit = limit, .offset = offset, .file = profile_string(p, file)};
    uint32_t loc;
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    profile_add_mapping(p, &m, NULL);
    profile_add_location(p, &(struct location){.address = address}, NULL, 0, &loc);
    profile_add_sample(p, &loc, 1, (int64_t[]){7}, NULL, 0);
    return p;
}

/* One sample, in a function whose name would set the title of a terminal. */
static struct profile *acting_profile(void)
{
    struct profile *p = profile_new(NULL);
    uint32_t function, loc;
    struct function f = {.name = profile_string(p, "evil\033]0;owned\007\033[2J")};
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    profile_add_function(p, &f, &function);
    struct line line = {.function = function, .line = 1};
    profile_add_location(p, &(struct location){.mapping = NO_INDEX, .address = 1}, &line, 1, &loc);
    profile_add_sample(p, &loc, 1, (int64_t[]){1}, NULL, 0);
    return p;
}

static struct profile *make(const char *kind)
{
    unsigned number = (unsigned)strtoul(kind + strcspn(kind, "0123456789"), NULL, 10);
    if (strncmp(kind, "variant", 7) == 0)
        return variant_profile(number);
    if (strcmp(kind, "hostile") == 0)
        return hostile_profile();
    if (strcmp(kind, "acting") == 0)
        return acting_profile();
    if (number)
        return random_profile(number);
    return strcmp(kind, "own") == 0 ? own_profile() : gateway_profile();
}

/* Writes a profile of our own making to standard output, gzipped. */
int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: make_profile gateway|own|hostile|acting|variantN|SEED\n", stderr);
        return 2;
    }
    struct profile *p = make(argv[1]);
    struct buf out = {0};
    struct error error;
    int failed = profile_encode(p, true, &out, &error) || fwrite(out.data, 1, out.len, stdout) != out.len;
    if (failed)
        fprintf(stderr, "make_profile: %s\n", error.text);
    buf_fini(&out);
    profile_free(p);
    return failed;
}
