/* fails: threads_at_rest */
/* A thread that is to see to the job's end, and is never told of it. */
#include "over_the_reference.h"
#define incident_handle reference_handle
#include "../../../solutions/lesson9/incident.c"
#undef incident_handle
static void *watch(void *unused)
{
    for (;;)
        pause();
    return unused;
}
char *incident_handle(struct incident *incident, const char *client, const char *text)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch, NULL) == 0)
        pthread_detach(thread);
    return reference_handle(incident, client, text);
}
