/* fails: others_while_examining; also: others_while_confirming */
/* One lock around all that is done for a client. */
#include "over_the_reference.h"
#define incident_handle reference_handle
#include "../../../solutions/lesson9/incident.c"
#undef incident_handle
char *incident_handle(struct incident *incident, const char *client, const char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    char *answer = reference_handle(incident, client, text);
    pthread_mutex_unlock(&lock);
    return answer;
}
