/* fails: others_while_confirming */
/* A lock of their own for those who have something confirmed. */
#include "over_the_reference.h"
#define incident_new reference_new
#include "../../../solutions/lesson9/incident.c"
#undef incident_new
static void (*confirm)(void *closure, uint64_t number, const char *client);
static void confirm_alone(void *closure, uint64_t number, const char *client)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    confirm(closure, number, client);
    pthread_mutex_unlock(&lock);
}
struct incident *incident_new(const struct incident_config *config)
{
    struct incident_config changed = *config;
    confirm = config->confirm;
    changed.confirm = confirm_alone;
    return reference_new(&changed);
}
