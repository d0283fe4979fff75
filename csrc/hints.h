// What compilers and processors do not find out themselves.
#pragma once

#include <cstdint>

#if defined(__GNUC__)
// Lanes must live in registers: loops over them are unrolled whole, and functions inlined.
#define UNROLLED _Pragma("GCC unroll 16")
#define INLINED inline __attribute__((always_inline))
#else
#define UNROLLED
#define INLINED inline
#endif

namespace fivefold {
namespace FIVEFOLD_ISA {
namespace {

// Asks for the memory that lies `distance` bytes beyond a place. A request for what does not exist,
// as beyond the end of a picture, is ignored.
INLINED void prefetch(const void* place, std::uintptr_t distance) {
#if defined(__GNUC__)
    __builtin_prefetch(
        reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(place) + distance));
#else
    (void)place, (void)distance;
#endif
}

}  // namespace
}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
