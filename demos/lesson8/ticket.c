#include "lesson8/ticket.h"

#include "base/buf.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROWS = 24,
    SEATS = 30,        /* in a row */
    STRETCHES = 20000, /* what makes it slow to try keys */
};

/* "C17" */
static char *seat_name(int row, int seat)
{
    char *name = NULL;
    return asprintf(&name, "%c%d", 'A' + row, seat + 1) < 0 ? NULL : name;
}

static void put_row(struct buf *plan, int row, int taken)
{
    for (int seat = 0; seat < SEATS; seat++) {
        char *name = seat_name(row, seat);
        buf_printf(plan, seat == taken ? "[%s] " : "%s ", name ? name : "?");
        free(name);
    }
    buf_putc(plan, '\n');
}

static void put_plan(struct buf *ticket, uint64_t place)
{
    for (int row = 0; row < ROWS; row++) {
        struct buf line = {0};
        put_row(&line, row, (uint64_t)row == place / SEATS ? (int)(place % SEATS) : -1);
        buf_append(ticket, line.data, line.len);
        ticket->failed |= line.failed;
        buf_fini(&line);
    }
}

static uint64_t sign(const char *signing_key, const struct buf *ticket)
{
    uint64_t signature =
        hash_mix(hash_bytes(signing_key, strlen(signing_key)), hash_bytes(ticket->data, ticket->len));
    for (int i = 0; i < STRETCHES; i++)
        signature = hash_mix(signature, (uint64_t)i);
    return signature;
}

char *ticket_new(const char *signing_key, const char *code)
{
    struct buf ticket = {0};
    buf_printf(&ticket, "ticket %s\n", code);
    put_plan(&ticket, hash_bytes(code, strlen(code)) % (ROWS * SEATS));
    if (ticket.failed)
        return NULL;
    uint64_t signature = sign(signing_key, &ticket);
    buf_printf(&ticket, "signed %016" PRIx64 "\n", signature);
    return buf_take(&ticket);
}
