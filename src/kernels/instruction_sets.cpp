#include "kernels/instruction_sets.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace limbeck::kernels {

const std::vector<const InstructionSet*>& available_instructions() {
  static const std::vector<const InstructionSet*> sets = [] {
    std::vector<const InstructionSet*> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
    if (avx512) found.push_back(&avx512_instructions());
    if (avx2 && __builtin_cpu_supports("avxvnni")) found.push_back(&avx_vnni_instructions());
    if (avx2) found.push_back(&avx2_instructions());
#endif
    found.push_back(&portable_instructions());
    return found;
  }();
  return sets;
}

const InstructionSet& instructions() {
  static const InstructionSet* chosen = [] {
    const char* name = std::getenv("LIMBECK_INSTRUCTIONS");
    for (const InstructionSet* set : available_instructions())
      if (name && std::string_view(name) == set->name) return set;
    if (name)
      std::fprintf(stderr, "limbeck: LIMBECK_INSTRUCTIONS=%s is not to be had here; taking %s\n", name,
                   available_instructions().front()->name);
    return available_instructions().front();
  }();
  return *chosen;
}

}  // namespace limbeck::kernels
