#include "symbol/demangle.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static bool find_demangler(struct demangler *d)
{
    if (d->tried)
        return d->demangle;
    d->tried = true;
    void *found = dlsym(RTLD_DEFAULT, "__cxa_demangle");
    if (!found) {
        int how = RTLD_LAZY | RTLD_LOCAL | (d->may_load ? 0 : RTLD_NOLOAD);
        d->library = dlopen("libstdc++.so.6", how);
        found = d->library ? dlsym(d->library, "__cxa_demangle") : NULL;
    }
    memcpy(&d->demangle, &found, sizeof found);
    return found;
}

/* Drops what stands between brackets, the brackets too, and what follows a parameter list (const, &). An
 * operator's own brackets are part of its name. */
static void simplify(char *name)
{
    char *to = name;
    int angle = 0, round = 0;
    for (const char *from = name; *from;) {
        if (!angle && !round && strncmp(from, "operator", 8) == 0) {
            size_t n = 8 + strspn(from + 8, "<>=!-");
            n += strncmp(from + n, "()", 2) == 0 ? 2 : 0;
            memmove(to, from, n);
            to += n;
            from += n;
            continue;
        }
        if (!angle && !round && strncmp(from, "(anonymous namespace)", 21) == 0) {
            memmove(to, from, 21);
            to += 21;
            from += 21;
            continue;
        }
        char c = *from++;
        if (c == '(' || c == ')')
            round += c == '(' ? 1 : -1;
        else if ((c == '<' || c == '>') && !round)
            angle += c == '<' ? 1 : -1;
        else if (!angle && !round)
            *to++ = c;
    }
    *to = '\0';
    static const char *const tails[] = {" const", " volatile", " &", " &&"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t n = strlen(name), tail = strlen(tails[i]);
        if (n > tail && strcmp(name + n - tail, tails[i]) == 0)
            name[n - tail] = '\0';
    }
}

/* A template function's demangled name begins with its return type. */
static void drop_return_type(char *name)
{
    char *space = NULL;
    for (char *p = name; *p && strncmp(p, "operator", 8) != 0; p++) {
        if (strncmp(p, "(anonymous namespace)", 21) == 0)
            p += 20;
        else if (*p == ' ')
            space = p;
    }
    if (space && strncmp(name, "vtable for ", 11) != 0 && !strstr(name, "thunk to "))
        memmove(name, space + 1, strlen(space + 1) + 1);
}

char *demangle_name(struct demangler *d, const char *linkage)
{
    if (strncmp(linkage, "_Z", 2) != 0 || !find_demangler(d))
        return NULL;
    int status = -1;
    char *name = d->demangle(linkage, NULL, NULL, &status);
    if (!name || status != 0) {
        free(name);
        return NULL;
    }
    simplify(name);
    drop_return_type(name);
    if (!*name) {
        free(name);
        return NULL;
    }
    return name;
}

void demangler_fini(struct demangler *d)
{
    if (d->library)
        dlclose(d->library);
    *d = (struct demangler){.may_load = d->may_load};
}
