#include "view/readable_names.h"

#include <stdlib.h>
#include <string.h>

/* The name is nobody's choice: it is just the linker's. */
static bool is_raw(const struct function *f)
{
    return f->name == f->system_name || !*f->name;
}

bool readable_names_needed(const struct profile *p)
{
    for (size_t i = 0; i < p->functions.len; i++) {
        const struct function *f = &p->functions.items[i];
        if (is_raw(f) && (strncmp(f->system_name, "_Z", 2) == 0 || strpbrk(f->system_name, "<:")))
            return true;
    }
    return false;
}

static int make_readable(
    struct profile *p, struct function *f, struct demangler *d, enum demangle_style style)
{
    char *name = demangle_name_as(d, f->system_name, style);
    if (!name) {
        name = strdup(f->system_name);
        if (name)
            demangle_shorten(name, style);
    }
    const char *kept = name ? profile_string(p, name) : NULL;
    free(name);
    f->name = kept ? kept : f->name;
    return kept ? 0 : ERR_NOMEM;
}

int make_names_readable(struct profile *p, enum demangle_style style, bool mangled, bool force)
{
    struct demangler d = {.may_load = true};
    int code = 0;
    for (size_t i = 0; i < p->functions.len && !code; i++) {
        struct function *f = &p->functions.items[i];
        if (!*f->system_name || !(force || is_raw(f)))
            continue;
        if (mangled)
            f->name = f->system_name;
        else
            code = make_readable(p, f, &d, style);
    }
    demangler_fini(&d);
    return code;
}
