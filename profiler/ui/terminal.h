#ifndef UI_TERMINAL_H
#define UI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* What standard output is. */

/* How many columns a report may take: $COLUMNS, else, if it goes there, the terminal's, else 80. 20 to 1000.
 */
int terminal_width(bool to_terminal);

/* Whether colours are wanted: a terminal that knows them, and no NO_COLOR in the environment. */
bool terminal_has_colour(void);

/* Makes text fit for a terminal, in place: a name in a profile may hold what would move the cursor, set the
 * title or type for the user. Control characters become ?, but for line ends, tabs and colours (ESC [ ... m).
 */
void terminal_tame(char *text, size_t len);

#endif
