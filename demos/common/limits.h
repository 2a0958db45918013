#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

/* What this process may have, asked for before a server promises more. */

/* Raises the soft limit on descriptors to the hard one. Returns how many may then be open. */
long limits_raise_descriptors(void);

/* How many threads this process may have, by the narrowest of RLIMIT_NPROC, the kernel's threads-max and
 * pid_max, and the cgroup's pids.max; *what names that one. A bound from above: what other processes of
 * the user already run counts against most of these. */
long limits_threads(const char **what);

/* The threads this process has now; 0 when /proc cannot be read. */
long limits_threads_now(void);

#endif
