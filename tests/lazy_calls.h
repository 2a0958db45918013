#ifndef TESTS_LAZY_CALLS_H
#define TESTS_LAZY_CALLS_H

double lazy_calls(int round);

#endif
