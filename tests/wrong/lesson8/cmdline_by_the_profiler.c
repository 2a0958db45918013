/* fails: secret_absent */
/* The profiler has a command line to show, too, and knows of no secrets. */
#define CMDLINE(s, out) ((void)put_arguments, (void)(s), strcpy((out)->profile, "cmdline"))
#include "almost.h"
