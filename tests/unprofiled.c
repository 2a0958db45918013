#include "cprof.h"

/*
 * libcprof as a program has it that is not profiled: for the references under sanitizers, whose interceptors
 * stand where libcprof's own would. references.sh says more.
 */

int cprof_start(const char *address)
{
    (void)address;
    return 0;
}

int cprof_start_capture(void)
{
    return 0;
}

void cprof_stop(void)
{
}

const char *cprof_address(void)
{
    return "";
}

const char *cprof_strerror(int code)
{
    (void)code;
    return "not profiled";
}

int cprof_write(const char *profile, int fd)
{
    (void)profile, (void)fd;
    return CPROF_EOFF;
}

int cprof_set_mutex_fraction(int n)
{
    return n;
}

int cprof_label_set(const char *key, const char *value)
{
    (void)key, (void)value;
    return 0;
}

const struct cprof_labels *cprof_label_save(void)
{
    return 0;
}

int cprof_label_restore(const struct cprof_labels *saved)
{
    (void)saved;
    return 0;
}

const struct cprof_labels *cprof_label_enter(const char *key, const char *value)
{
    (void)key, (void)value;
    return 0;
}

void cprof_label_leave(const struct cprof_labels **saved)
{
    (void)saved;
}
