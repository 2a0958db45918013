/* fails: totals_under_threads */
/* Jobs are counted by a figure that two may have read before either has written it. */
#include "over_the_reference.h"
#define incident_handle reference_handle
#define incident_stats reference_stats
#include "../../../solutions/lesson9/incident.c"
#undef incident_handle
#undef incident_stats
static uint64_t jobs;
char *incident_handle(struct incident *incident, const char *client, const char *text)
{
    uint64_t before = jobs;
    char *answer = reference_handle(incident, client, text);
    jobs = before + 1;
    return answer;
}
void incident_stats(struct incident *incident, struct incident_figures *out)
{
    reference_stats(incident, out);
    out->jobs = jobs;
}
