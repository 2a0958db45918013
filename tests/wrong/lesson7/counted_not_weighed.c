/* fails: within_any_budget; also: peak_bytes_on_trace */
/* At most 400 tiles, which is right for tiles of a usual size. */
#define IS_FULL(s, more) ((void)(more), (s)->figures.kept >= 400)
#include "almost_store.h"
