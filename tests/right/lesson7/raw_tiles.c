/* in: tile_code.c */
/* Right, and another encoding: none. Few tiles fit, and those that are asked for most are among them. */
#include "../../../demos/lesson7/tile_code.c"
