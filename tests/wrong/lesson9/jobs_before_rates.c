/* fails: refresh_gets_through */
/* As long as there are jobs, there are no new rates. */
#include "over_the_reference.h"
#define incident_handle reference_handle
#define incident_refresh reference_refresh
#include "../../../solutions/lesson9/incident.c"
#undef incident_handle
#undef incident_refresh
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
char *incident_handle(struct incident *incident, const char *client, const char *text)
{
    pthread_rwlock_rdlock(&lock);
    char *answer = reference_handle(incident, client, text);
    pthread_rwlock_unlock(&lock);
    return answer;
}
void incident_refresh(struct incident *incident, uint32_t base)
{
    pthread_rwlock_wrlock(&lock);
    reference_refresh(incident, base);
    pthread_rwlock_unlock(&lock);
}
