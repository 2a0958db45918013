#include "symbol/demangle.h"

#include "symbol/loader.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static bool find_demangler(struct demangler *d)
{
    if (d->tried)
        return d->demangle;
    d->tried = true;
    if (!loader_may_open())
        return false;
    void *found = dlsym(RTLD_DEFAULT, "__cxa_demangle");
    if (!found) {
        int how = RTLD_LAZY | RTLD_LOCAL | (d->may_load ? 0 : RTLD_NOLOAD);
        d->library = dlopen("libstdc++.so.6", how);
        found = d->library ? dlsym(d->library, "__cxa_demangle") : NULL;
    }
    memcpy(&d->demangle, &found, sizeof found);
    return found;
}

/* An operator's own brackets are part of its name. */
static size_t operator_length(const char *text)
{
    if (strncmp(text, "operator", 8) != 0)
        return 0;
    if (strncmp(text + 8, "()", 2) == 0)
        return 10;
    return 8 + strspn(text + 8, "<>=!-");
}

/* Drops what stands between round brackets and, unless they are kept, between angle brackets, and what
 * follows a parameter list (const, &). */
static void simplify(char *name, bool keep_angles)
{
    static const char anonymous[] = "(anonymous namespace)";
    char *to = name;
    int angle = 0, round = 0, brace = 0;
    for (const char *from = name; *from;) {
        bool inside = round || (angle && !keep_angles);
        size_t whole = inside ? 0 : operator_length(from);
        if (!inside && strncmp(from, anonymous, strlen(anonymous)) == 0)
            whole = strlen(anonymous);
        if (whole) {
            memmove(to, from, whole);
            to += whole;
            from += whole;
            continue;
        }
        char c = *from++;
        if (!inside && (c == '{' || c == '}'))
            brace += c == '{' ? 1 : -1;
        bool is_round = (c == '(' || c == ')') && !(keep_angles && angle) && !brace;
        if (is_round)
            round += c == '(' ? 1 : -1;
        else if ((c == '<' || c == '>') && !round)
            angle += c == '<' ? 1 : -1;
        if (!is_round && !round && (keep_angles || (!angle && c != '>')))
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
    int angle = 0;
    for (char *p = name; *p && (angle || strncmp(p, "operator", 8) != 0); p++) {
        if (strncmp(p, "(anonymous namespace)", 21) == 0)
            p += 20;
        else if (*p == ' ' && !angle)
            space = p;
        else
            angle += *p == '<' || *p == '{' ? 1 : *p == '>' || *p == '}' ? -1 : 0;
    }
    if (space && strncmp(name, "vtable for ", 11) != 0 && !strstr(name, "thunk to "))
        memmove(name, space + 1, strlen(space + 1) + 1);
}

static void shorten(char *name, enum demangle_style style)
{
    if (style == DEMANGLE_FULL)
        return;
    simplify(name, style == DEMANGLE_TEMPLATES);
    drop_return_type(name);
}

char *demangle_name_as(struct demangler *d, const char *linkage, enum demangle_style style)
{
    if (strncmp(linkage, "_Z", 2) != 0 || !find_demangler(d))
        return NULL;
    int status = -1;
    char *name = d->demangle(linkage, NULL, NULL, &status);
    if (!name || status != 0) {
        free(name);
        return NULL;
    }
    shorten(name, style);
    if (!*name) {
        free(name);
        return NULL;
    }
    return name;
}

char *demangle_name(struct demangler *d, const char *linkage)
{
    return demangle_name_as(d, linkage, DEMANGLE_SIMPLE);
}

/* Go has brackets in its names as well, "main.(*T[...]).f", and Java, "a.b.<init>"; perf-map files have
 * anything. */
static bool looks_like_cpp(const char *name)
{
    int round = 0, angle = 0;
    for (const char *p = name; *p; p++) {
        size_t whole = operator_length(p);
        p += whole ? whole - 1 : 0;
        round += *p == '(' && !whole ? 1 : *p == ')' && !whole ? -1 : 0;
        angle += *p == '<' && !whole ? 1 : *p == '>' && !whole ? -1 : 0;
        if (round < 0 || angle < 0)
            return false;
    }
    return round == 0 && angle == 0 && !strstr(name, ".<") && !strstr(name, "]).") && !strstr(name, ".(") &&
           (strstr(name, "::") || strpbrk(name, "<>"));
}

void demangle_shorten(char *name, enum demangle_style style)
{
    if (style == DEMANGLE_FULL || !looks_like_cpp(name))
        return;
    char *copy = strdup(name);
    shorten(name, style);
    if (!*name && copy)
        strcpy(name, copy);
    free(copy);
}

void demangler_fini(struct demangler *d)
{
    if (d->library)
        dlclose(d->library);
    *d = (struct demangler){.may_load = d->may_load};
}
