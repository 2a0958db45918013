#include <cprof.h>

#include <condition_variable>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <vector>

/*
 * A program in C++ outside the tree: what it allocates by new is in the heap profile under its own names, labels hold in
 * threads of std's, and end with the scope also when that is left by an exception.
 *
 *     c++ outside.cc $(pkg-config --cflags --libs cprof) && ./a.out HEAP THREADS
 *
 * writes these two profiles; the exit code says which step went wrong.
 */
static_assert(std::is_same<decltype(&cprof_write), int (*)(const char *, int)>::value, "C's own linkage and types");

namespace shop {

struct basket {
    std::vector<std::string> items;
};

std::vector<std::unique_ptr<basket>> kept;

__attribute__((noinline)) void keep(std::size_t items)
{
    kept.emplace_back(new basket);
    kept.back()->items.assign(items, std::string(100, 'x'));
}

__attribute__((noinline)) void refuse()
{
    CPROF_LABEL_SCOPE("route", "/refused");
    CPROF_LABEL_SCOPE("reason", "none");
    throw std::runtime_error("refused");
}

/* A desk that is asked something, and waits until it is closed. */
class desk {
public:
    desk()
        : clerk([this] { serve(); })
    {
        std::unique_lock<std::mutex> hold(lock);
        changed.wait(hold, [this] { return is_open; });
    }

    ~desk()
    {
        {
            std::lock_guard<std::mutex> hold(lock);
            is_closed = true;
        }
        changed.notify_all();
        clerk.join();
    }

    desk(const desk &) = delete;
    desk &operator=(const desk &) = delete;

private:
    void serve()
    {
        CPROF_LABEL_SCOPE("route", "/desk");
        std::unique_lock<std::mutex> hold(lock);
        is_open = true;
        changed.notify_all();
        changed.wait(hold, [this] { return is_closed; });
    }

    std::mutex lock;
    std::condition_variable changed;
    bool is_open = false, is_closed = false;
    std::thread clerk; /* the last: it begins with all else there */
};

int write(const char *profile, const char *file)
{
    int fd = open(file, O_CREAT | O_WRONLY | O_TRUNC, 0600), code = cprof_write(profile, fd);
    close(fd);
    if (code != 0)
        std::fprintf(stderr, "%s: %s\n", profile, cprof_strerror(code));
    return code;
}

} // namespace shop

int main(int argc, char **argv)
{
    if (argc != 3 || cprof_start_capture() != 0)
        return 1;
    shop::keep(20000);
    try {
        shop::refuse();
        return 2;
    } catch (const std::runtime_error &) {
        if (cprof_label_save() != nullptr)
            return 3;
    }
    {
        shop::desk desk;
        if (shop::write("threads", argv[2]) != 0)
            return 4;
    }
    if (shop::write("heap", argv[1]) != 0)
        return 5;
    cprof_stop();
    return 0;
}
