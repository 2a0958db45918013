#ifndef TESTS_LIBDW_TABLES_H
#define TESTS_LIBDW_TABLES_H

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Whether an allocation is for one of libdw's small tables, which are not to be refused: libdw does not look
 * (debuginfo.c). Blocks for all else it takes by 4 KB. */
static inline bool is_libdws_table(size_t bytes, void *caller)
{
    enum { BLOCK_BYTES = 4000 };
    struct dl_find_object found;
    return bytes < BLOCK_BYTES && _dl_find_object(caller, &found) == 0 &&
           strstr(found.dlfo_link_map->l_name, "/libdw.so");
}

#endif
