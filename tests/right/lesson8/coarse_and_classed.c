/* Right, and another trade: coarser, and tickets in classes by their first letter, which says nothing. */
#define HEAP_BYTES (2 * 1024 * 1024)
#define MUTEX_FRACTION 1000
#define BLOCK_NS 100000
#define CMDLINE(s, out) ((void)put_arguments, (void)(s), (void)((out)->status = 404))
static const char *class_of(const char *code);
#define LABEL(code) class_of(code)
#include "../../wrong/lesson8/almost.h"
static const char *class_of(const char *code)
{
    static const char *const CLASSES[] = {"stalls", "circle", "gallery", "standing"};
    return CLASSES[(unsigned char)*code % 4];
}
