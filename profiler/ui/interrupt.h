#ifndef UI_INTERRUPT_H
#define UI_INTERRUPT_H

#include <signal.h>

/* Ctrl-C as a flag: becomes non-zero when it is pressed. A second time within one piece of work ends the
 * process, for whoever is stuck. */
extern volatile sig_atomic_t interrupted;

void interrupt_catch(void);
void interrupt_clear(void); /* before each piece of work */

#endif
