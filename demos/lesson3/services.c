/* What the services behind the pages answer, and how long each takes for it. */
#include "lesson3/page.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    long ms;
    const char *text; /* %s is the user */
} services[] = {
    {"user", 2, "Good morning, %s"},
    {"weather", 5, "12 degrees, some rain in the evening"},
    {"news", 5, "nothing that cannot wait"},
    {"mail", 30, "%s has three new letters"},
    {"calendar", 5, "lunch at one"},
    {"traffic", 5, "the ring road is slow"},
    {"photos", 20, "this day last year, %s at the sea"},
};

long services_answer(const char *line, char *answer, size_t size)
{
    size_t len = strcspn(line, " ");
    const char *user = line[len] ? line + len + 1 : "";
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strlen(services[i].name) == len && memcmp(services[i].name, line, len) == 0) {
            const char *at = strstr(services[i].text, "%s");
            if (at)
                snprintf(
                    answer, size, "%.*s%s%s", (int)(at - services[i].text), services[i].text, user, at + 2);
            else
                snprintf(answer, size, "%s", services[i].text);
            return services[i].ms;
        }
    }
    snprintf(answer, size, "no such service");
    return 0;
}
