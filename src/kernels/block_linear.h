// Products with weights that are kept in blocks of 32 numbers of a row: integers of 8 or 4 bits and a scale in half
// precision, the Q8_0 and Q4_0 of ggml (github.com/ggml-org/ggml), whose blocks are used as they are: nothing is
// rounded again. The other factor, x, is rounded for each row and block of 32 to 8 bits with a scale in fp32 (the
// largest number becomes 127); what is summed within a block is exact, and the sums of a row's blocks are added in
// order in fp32. So a row of the result has the same bits whatever the other rows of the batch, their number and the
// number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/packed_linear.h"

namespace limbeck::kernels {

enum class BlockFormat { kQ8_0, kQ4_0 };
constexpr int64_t kBlockNumbers = 32;
constexpr int64_t bytes_of_block(BlockFormat format) {
  return format == BlockFormat::kQ8_0 ? 34 : 18;
}
// A row whose k is not a multiple of 32 ends in a block that is filled up with zeros.
constexpr int64_t blocks_of_row(int64_t k) {
  return (k + kBlockNumbers - 1) / kBlockNumbers;
}

// blocks [n][blocks_of_row(k)][bytes_of_block(format)], of any alignment. A row of x that holds a NaN or an infinity
// gives NaN in its whole row of y.
std::shared_ptr<const PackedWeight> pack_blocks(const std::byte* blocks, int64_t n, int64_t k, BlockFormat format);

}  // namespace limbeck::kernels
