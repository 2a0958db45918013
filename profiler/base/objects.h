#ifndef BASE_OBJECTS_H
#define BASE_OBJECTS_H

#include <stdbool.h>

/*
 * Whether dl_iterate_phdr() comes back. glibc keeps a lock while it lists the loaded objects, and while it
 * adds to them; a child that is forked while another thread has it has it taken for good (2.36), and waits
 * for it for ever.
 *
 * Nothing but the wait tells. So in a child a copy of it is forked once, which lists the objects and ends, or
 * is ended: at once where the list is free, after a second and a half where it is not. In a process that
 * began with this library, or loaded it, the answer is true and costs a getpid().
 *
 * Any thread; not from signal handlers. The copy runs no handler and sends no signal; a wait() of the
 * program's does not see it.
 */
bool objects_listable(void);

#endif
