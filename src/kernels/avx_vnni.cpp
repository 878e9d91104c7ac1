// The kernels for x86-64 with AVX2 and products of int8 numbers in 256-bit registers (AVX-VNNI: Alder Lake and later
// without AVX-512): those of AVX2 but for weights in blocks.
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/instruction_sets.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LIMBECK_AVX2
#define LIMBECK_AVX2_VNNI
#pragma GCC target("avx2,fma,f16c,avxvnni")
#include "kernels/block_linear_tiles.h"
#include "kernels/int8_linear_tiles.h"
#endif

namespace limbeck::kernels {

const InstructionSet& avx_vnni_instructions() {
#if defined(__x86_64__)
  static const InstructionSet set = [] {
    InstructionSet changed = avx2_instructions();
    changed.name = "avx-vnni";
    changed.linear_q8_0 = multiply_block_panel<Q8Block>;
    changed.linear_q4_0 = multiply_block_panel<Q4Block>;
    changed.linear_int8 = multiply_int8_panel;
    return changed;
  }();
  return set;
#else
  return portable_instructions();
#endif
}

}  // namespace limbeck::kernels
