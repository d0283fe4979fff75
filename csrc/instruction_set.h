// What the processor can do.
#pragma once

namespace fivefold {

enum class InstructionSet { portable, neon, avx2, avx512 };

// The best that this processor, the system and this build have, unless limited.
InstructionSet instruction_set();

// Holds the kernels of this process to a lesser instruction set, for tests and benchmarks.
void limit_instruction_set(InstructionSet most);

constexpr const char* kInstructionSetNames[] = {"portable", "neon", "avx2", "avx512"};

}  // namespace fivefold
