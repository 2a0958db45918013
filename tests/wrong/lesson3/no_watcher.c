/* fails: late_is_told_once */
/* The leak is gone with what leaked: nobody is told of what is late. */
#define WATCHED 0
#include "almost.h"
