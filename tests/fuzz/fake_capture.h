#ifndef TESTS_FUZZ_FAKE_CAPTURE_H
#define TESTS_FUZZ_FAKE_CAPTURE_H

#include "export/guard.h"

/*
 * What libcprof's endpoints ask of capture/ and of its service, where nothing is captured: the same profile
 * each time, at once. Waiting takes no time, and a worker is a call. What is asked for out of all bounds ends
 * in abort().
 */
struct fake_capture {
    struct guard guard;
    int refuses; /* of enum error_code: instead of every profile, 0 for none */
    bool is_off, is_busy;
    bool clients_leave; /* while they wait */
    int sessions;       /* begun and not ended */
};

extern struct fake_capture fake_capture;

#endif
