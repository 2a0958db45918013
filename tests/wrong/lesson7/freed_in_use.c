/* fails: right_under_threads */
/* A tile is given up, and freed, while another thread unpacks it. */
#define SHARE 0
#include "almost_store.h"
