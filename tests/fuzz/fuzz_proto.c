#include "fuzz.h"

void fuzz_proto(const uint8_t *bytes, size_t len)
{
    fuzz_decode(bytes, len);
}
