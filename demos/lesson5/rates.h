#ifndef LESSON5_RATES_H
#define LESSON5_RATES_H

#include <stdbool.h>

/* Exchange rates, asked for again every so often by a thread of their own. */
struct rates;

/* Asks the bank every `every_ms`; its answer takes `bank_ms`. NULL when there is no memory or no thread. */
struct rates *rates_start(long every_ms, long bank_ms);
void rates_stop(struct rates *rates);

/* Dollars for a euro, of the newest rates. Any thread. */
double rates_dollars(struct rates *rates);

#endif
