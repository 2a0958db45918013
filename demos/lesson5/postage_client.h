#ifndef LESSON5_POSTAGE_CLIENT_H
#define LESSON5_POSTAGE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

/* One client with one connection, which asks and waits for the answer. */
struct postage_client {
    int fd; /* -1 once it has failed; it then asks no more */
    long port;
};

bool postage_client_connect(struct postage_client *client, long port);
void postage_client_close(struct postage_client *client);

/* Asks for the price of parcel n. */
void postage_client_ask(struct postage_client *client, uint64_t n);

#endif
