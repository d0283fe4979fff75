// Rows of a picture, shared out among threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace fivefold {

// Calls work(begin, end) for consecutive bands of rows until all are done. Each band goes to
// whichever thread is free, so a thread that the system holds up does not hold up the rest; work
// must therefore not depend on which thread runs it. If the system refuses a thread, those that
// did start do the work. The first exception of work ends it, and is thrown again here.
template <class Work>
void for_each_band(int rows, int rows_per_band, int threads, const Work& work) {
    const int bands = (rows + rows_per_band - 1) / rows_per_band;
    std::atomic<int> next{0};
    std::atomic_flag has_failed = ATOMIC_FLAG_INIT;
    std::exception_ptr failure;
    const auto run = [&] {
        try {
            for (int band = next.fetch_add(1); band < bands; band = next.fetch_add(1)) {
                const int begin = band * rows_per_band;
                work(begin, std::min(rows, begin + rows_per_band));
            }
        } catch (...) {
            if (!has_failed.test_and_set()) failure = std::current_exception();
            next.store(bands);
        }
    };
    std::vector<std::thread> helpers;
    const int wanted = std::min(threads, bands) - 1;
    helpers.reserve(static_cast<std::size_t>(std::max(0, wanted)));
    try {
        for (int i = 0; i < wanted; ++i) helpers.emplace_back(run);
    } catch (const std::system_error&) {
    }
    run();
    for (std::thread& helper : helpers) helper.join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace fivefold
