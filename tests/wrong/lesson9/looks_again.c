/* fails: idle_when_idle */
/* A supervisor looks again and again whether it is time to go. */
#include "over_the_reference.h"
#define incident_new reference_new
#define incident_free reference_free
#include "../../../solutions/lesson9/incident.c"
#undef incident_new
#undef incident_free
static atomic_bool over;
static pthread_t supervisor;
static void *supervise(void *unused)
{
    while (!atomic_load(&over))
        sched_yield();
    return unused;
}
struct incident *incident_new(const struct incident_config *config)
{
    atomic_store(&over, false);
    struct incident *incident = reference_new(config);
    if (incident && pthread_create(&supervisor, NULL, supervise, NULL) != 0)
        abort();
    return incident;
}
void incident_free(struct incident *incident)
{
    if (incident) {
        atomic_store(&over, true);
        pthread_join(supervisor, NULL);
    }
    reference_free(incident);
}
