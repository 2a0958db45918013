/* fails: same_answers */
/* An answer without its last line is quicker, too. */
#include "over_the_reference.h"
#define incident_handle reference_handle
#include "../../../solutions/lesson9/incident.c"
#undef incident_handle
char *incident_handle(struct incident *incident, const char *client, const char *text)
{
    char *answer = reference_handle(incident, client, text);
    if (answer)
        answer[strlen(answer) - 1] = '\0';
    return answer;
}
