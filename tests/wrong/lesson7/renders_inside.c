/* fails: others_meanwhile */
/* Nothing is rendered twice at once, and nothing else is done meanwhile. */
#define RENDER(s, tile, pixels)                                     \
    do {                                                            \
        LOCK(s);                                                    \
        (s)->config.render((s)->config.renderer, (tile), (pixels)); \
        UNLOCK(s);                                                  \
    } while (0)
#include "almost_store.h"
