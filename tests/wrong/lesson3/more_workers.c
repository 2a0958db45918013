/* fails: nested_requests_finish; also: at_most_workers_run threads_at_rest */
/* Four times the workers, which wait as before: it takes four times the requests to take them all. */
#define WORKERS(config) (4 * (config)->workers)
#define GROW(pool) ((void)0)
#include "almost.h"
