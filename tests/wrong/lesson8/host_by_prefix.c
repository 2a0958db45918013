/* fails: host_and_token */
/* 127.0.0.1.theatre.example begins like an address of ours. */
#define IS_OUR_NAME(host)                                                                   \
    (!(host) || strncmp(host, "127.0.0.1", 9) == 0 || strncmp(host, "localhost", 9) == 0 || \
        strncmp(host, "[::1]", 5) == 0)
#include "almost.h"
