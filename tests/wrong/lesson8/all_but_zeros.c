/* fails: only_this_machine */
/* "Not 0.0.0.0" is not "this machine alone": there are other ways to write everywhere, and other addresses.
 */
#define IS_LOCAL(a, text) ((void)is_loopback(a), strncmp(text, "0.0.0.0", 7) != 0)
#include "almost.h"
