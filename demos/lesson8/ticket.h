#ifndef LESSON8_TICKET_H
#define LESSON8_TICKET_H

/*
 * A theatre's tickets: a plan of the hall with the seat marked, and a signature, by which the doorkeeper
 * knows it for ours.
 *
 * The ticket of a code, the caller's to free(); NULL when memory runs out.
 */
char *ticket_new(const char *signing_key, const char *code);

#endif
