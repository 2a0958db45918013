#include "symbol/ifunc.h"

#include "symbol/loader.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

struct visit {
    struct ifunc_names *table;
    struct intern *strings;
    void *library;
    uintptr_t base;
};

/* BSD's names of what C calls strchr, strrchr and memcmp. Nobody looks for these. */
static bool is_forgotten(const char *name)
{
    return strcmp(name, "index") == 0 || strcmp(name, "rindex") == 0 || strcmp(name, "bcmp") == 0;
}

static bool better(const char *name, const char *than)
{
    if (is_forgotten(name) != is_forgotten(than))
        return is_forgotten(than);
    size_t a = strspn(name, "_"), b = strspn(than, "_");
    if (a != b)
        return a < b;
    size_t m = strlen(name), n = strlen(than);
    return m != n ? m < n : strcmp(name, than) < 0;
}

static void add_name(const char *name, void *arg)
{
    struct visit *v = arg;
    struct link_map *owner;
    Dl_info where;
    void *chosen = dlsym(v->library, name);
    /* Another library may have its own function of that name, found first. */
    if (!chosen || !dladdr1(chosen, &where, (void **)&owner, RTLD_DL_LINKMAP) || owner->l_addr != v->base)
        return;
    if (loader_function_start((uintptr_t)chosen) != (uintptr_t)chosen)
        return;
    for (size_t i = 0; i < v->table->names.len; i++) {
        struct ifunc_name *known = &v->table->names.items[i];
        if (known->address != (uintptr_t)chosen)
            continue;
        if (better(name, known->name)) {
            const char *kept = intern_string(v->strings, name);
            known->name = kept ? kept : known->name;
        }
        return;
    }
    const char *kept = intern_string(v->strings, name);
    if (kept)
        (void)vec_push(&v->table->names, ((struct ifunc_name){(uintptr_t)chosen, kept}));
}

void ifunc_add_object(struct ifunc_names *t, struct elffile *f, const char *path, struct intern *strings)
{
    void *library = loader_may_open() ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD | RTLD_LOCAL) : NULL;
    if (!library)
        return;
    struct link_map *map = library;
    struct visit v = {t, strings, library, map->l_addr};
    elffile_each_ifunc(f, add_name, &v);
    dlclose(library);
}

void ifunc_fini(struct ifunc_names *t)
{
    vec_fini(&t->names);
}

const char *ifunc_find(const struct ifunc_names *t, uintptr_t address, uintptr_t *start)
{
    uintptr_t begin = t->names.len ? loader_function_start(address) : 0;
    for (size_t i = 0; begin && i < t->names.len; i++) {
        if (t->names.items[i].address == begin) {
            *start = begin;
            return t->names.items[i].name;
        }
    }
    return NULL;
}
