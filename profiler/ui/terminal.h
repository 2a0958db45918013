#ifndef UI_TERMINAL_H
#define UI_TERMINAL_H

#include <stdbool.h>

/* What standard output is. */

/* How many columns a report may take: $COLUMNS, else, if it goes there, the terminal's, else 80. 20 to 1000.
 */
int terminal_width(bool to_terminal);

/* Whether colours are wanted: a terminal that knows them, and no NO_COLOR in the environment. */
bool terminal_has_colour(void);

#endif
