// The kernels for any processor with a C++ compiler: vectors of 4.
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/block_linear_tiles.h"
#include "kernels/decode_attention_tiles.h"
#include "kernels/instruction_sets.h"
#include "kernels/int8_linear_tiles.h"
#include "kernels/matrix_product_tiles.h"
#include "kernels/packed_linear_tiles.h"
#include "kernels/sampling_tiles.h"

namespace limbeck::kernels {

const InstructionSet& portable_instructions() {
  static const InstructionSet set = {
      .name = "portable",
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
}

}  // namespace limbeck::kernels
