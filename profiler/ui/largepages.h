#ifndef UI_LARGEPAGES_H
#define UI_LARGEPAGES_H

/*
 * A tool that reads a profile, prints a report and ends spends more on the first touch of each page of memory
 * than on anything it does there; with pages of 2 MiB that is a few hundred touches less a megabyte, and half
 * the time. So the heap is made large at the start, is never given back, and it and every large vector are
 * offered to the kernel for large pages. Where it has none to give, nothing is lost but address space.
 *
 * Call once, before anything is allocated that matters.
 */
void largepages_use(void);

#endif
