// The kernels for x86-64 with AVX-512 and its products of bf16 and int8 numbers (Zen 4, Cooper Lake, Sapphire Rapids).
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/instruction_sets.h"

#if defined(__x86_64__)
#include <immintrin.h>

// g++ 12 does not define __AVX2__ and its kin after this pragma, so the set is named for lanes.h.
#define LIMBECK_AVX512
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni,avx2,fma")
#include "kernels/block_linear_tiles.h"
#include "kernels/decode_attention_tiles.h"
#include "kernels/int8_linear_tiles.h"
#include "kernels/matrix_product_tiles.h"
#include "kernels/packed_linear_tiles.h"
#include "kernels/sampling_tiles.h"
#endif

namespace limbeck::kernels {

const InstructionSet& avx512_instructions() {
#if defined(__x86_64__)
  static const InstructionSet set = {
      .name = "avx512",
      .linear_fp32 = multiply_panel<Fp32Cell>,
      .linear_bf16 = multiply_panel<Bf16Cell>,
      .linear_q8_0 = multiply_block_panel<Q8Block>,
      .linear_q4_0 = multiply_block_panel<Q4Block>,
      .quantise_fp32 = quantise_row<float>,
      .quantise_bf16 = quantise_row<BFloat16>,
      .linear_int8 = multiply_int8_panel,
      .quantise_row_fp32 = quantise_whole_row<float>,
      .quantise_row_bf16 = quantise_whole_row<BFloat16>,
      .product_fp32 = multiply_product_tile<Fp32Cell>,
      .product_bf16 = multiply_product_tile<Bf16Cell>,
      .attend_fp32 = attend_rows<Fp32Cell>,
      .attend_bf16 = attend_rows<Bf16Cell>,
      .block_maxima = block_maxima,
      .exponential_sums = exponential_sums,
      .round = round_to_bfloat16,
  };
  return set;
#else
  return portable_instructions();
#endif
}

}  // namespace limbeck::kernels
