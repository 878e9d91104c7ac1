// Attention of new tokens over keys and values that are kept in blocks of 16 positions, in the order in which the
// products read them. A sequence may begin with a prefix that it shares: rows of all its sequences meet the prefix
// together, as matrix products. Softmax is taken online (Milakov and Gimelshein, arXiv:1805.02867), over chunks that
// are counted from the start of the prefix and of the sequence's own part, so that a row has the same bits whatever
// else is in the batch.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/packed_linear.h"

namespace limbeck::kernels {

constexpr int64_t kPositionsPerPage = 16;

// A page holds 16 positions of one sequence: for each layer and head, a block of keys [E/c][16][c] and one of values
// [16/c][E][c], where c is 1 number of fp32 or 2 of bf16 and E is padded to a multiple of 16.
struct KvShape {
  int64_t num_layers = 0, num_kv_heads = 0, head_size = 0;
  Format format = Format::kFp32;
  int64_t padded_head() const { return (head_size + 15) / 16 * 16; }
  int64_t number_bytes() const { return format == Format::kFp32 ? 4 : 2; }
  int64_t block_bytes() const { return padded_head() * kPositionsPerPage * number_bytes(); }
  int64_t page_bytes() const { return num_layers * num_kv_heads * 2 * block_bytes(); }
  int64_t key_offset(int64_t layer, int64_t head) const { return (layer * num_kv_heads + head) * 2 * block_bytes(); }
};

// Rows of heads: number (row, head, e) stands at row * row_stride + head * head_stride + e.
struct HeadRows {
  const void* numbers = nullptr;
  Format format = Format::kFp32;
  int64_t row_stride = 0, head_stride = 0;
};

// The new tokens of one sequence: rows first_row .. first_row + num_rows of the batch.
struct CachedSequence {
  int64_t first_row = 0, num_rows = 0;
  char* const* pages = nullptr;               // with room for length + num_rows positions
  int64_t length = 0;                         // own positions that are there already; the new ones follow
  const char* const* prefix_pages = nullptr;  // null for none
  int64_t prefix_length = 0;
};

struct CachedAttention {
  KvShape shape;
  int64_t layer = 0, num_heads = 0;  // a multiple of shape.num_kv_heads
  float scale = 1;
  float softcap = 0;                          // scaled scores x become softcap·tanh(x / softcap); 0: as they are
  int64_t window = 0;                         // a token sees itself and the window - 1 before it; 0: all before it
  HeadRows q, k, v;                           // [N,H,E], [N,K,E], [N,K,E]
  void* output = nullptr;                     // [N,H,E] without gaps, in the format of q
  std::span<const CachedSequence> sequences;  // those that share a prefix stand together
};

// Writes the new keys and values into the pages and the attention of every new token into `output`.
void attend(const CachedAttention& call);

}  // namespace limbeck::kernels
