/* fails: secret_absent */
/* --signing-key KEY is left out, --signing-key=KEY is not. */
#define PUT_ARGUMENT(text, s, argv, i) \
    buf_puts(text, (i) > 0 && strcmp((argv)[(i)-1], "--signing-key") == 0 ? "..." : (argv)[i])
#include "almost.h"
