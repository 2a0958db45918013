/* fails: peak_bytes_on_trace; also: within_any_budget */
/* Tiles are packed, ten to one, and all are kept as before: it only takes longer. */
#include "../../../demos/lesson7/tile_store.c"
