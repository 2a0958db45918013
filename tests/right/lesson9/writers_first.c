/* Whoever has something quoted keeps the rates as they are until it is there, and yet nobody starves: by a
 * lock that lets writers in first. */
#include "../../wrong/lesson9/over_the_reference.h"
#define incident_new reference_new
#define incident_refresh reference_refresh
#include "../../../solutions/lesson9/incident.c"
#undef incident_new
#undef incident_refresh

static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static uint32_t (*quote)(void *closure, const char *client, uint32_t base);

static uint32_t quote_reading(void *closure, const char *client, uint32_t base)
{
    pthread_rwlock_rdlock(&lock);
    uint32_t rate = quote(closure, client, base);
    pthread_rwlock_unlock(&lock);
    return rate;
}

struct incident *incident_new(const struct incident_config *config)
{
    struct incident_config changed = *config;
    quote = config->quote;
    changed.quote = quote_reading;
    return reference_new(&changed);
}

void incident_refresh(struct incident *incident, uint32_t base)
{
    pthread_rwlock_wrlock(&lock);
    reference_refresh(incident, base);
    pthread_rwlock_unlock(&lock);
}
