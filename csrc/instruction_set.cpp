#include "instruction_set.h"

#include <atomic>

namespace fivefold {
namespace {

std::atomic<InstructionSet> limit{InstructionSet::avx512};

InstructionSet detect() {
#ifdef FIVEFOLD_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return InstructionSet::avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return InstructionSet::avx2;
    return InstructionSet::portable;
#elif defined(FIVEFOLD_NEON)
    return InstructionSet::neon;
#else
    return InstructionSet::portable;
#endif
}

}  // namespace

InstructionSet instruction_set() {
    static const InstructionSet best = detect();
    const InstructionSet most = limit.load();
    if (best <= most) return best;
    // Another family's instruction set limits this one's to none.
    const bool same_family = (best == InstructionSet::neon) == (most == InstructionSet::neon);
    return same_family ? most : InstructionSet::portable;
}

void limit_instruction_set(InstructionSet most) { limit.store(most); }

}  // namespace fivefold
