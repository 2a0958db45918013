/* Right, and another design: addresses by getaddrinfo, one walk over the query, no option's value is ever
 * shown. */
#include "../../wrong/lesson8/almost.h"
