#include <stdexcept>
#include <string>

// An exception through frames with and without something to clean up, for the unwinder's proof.

namespace {

struct Guard {
    explicit Guard(int *count) : count_(count) {}
    ~Guard() { ++*count_; }
    int *count_;
};

__attribute__((noinline)) void fail(int depth)
{
    std::string where = "at depth " + std::to_string(depth);
    if (depth == 0)
        throw std::runtime_error(where);
    fail(depth - 1);
}

__attribute__((noinline)) void guarded(int depth, int *cleaned)
{
    Guard guard(cleaned);
    fail(depth);
}

} // namespace

extern "C" int throws(int depth)
{
    int cleaned = 0;
    try {
        guarded(depth, &cleaned);
    } catch (const std::runtime_error &e) {
        cleaned += std::string(e.what()).empty() ? 0 : 1;
    }
    return cleaned;
}
