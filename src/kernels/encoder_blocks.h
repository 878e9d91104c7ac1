// The blocks of an encoder whose norms stand after the sums (BERT and its kin) once their weights no longer change,
// from hidden states to hidden states without a detour: h = norm(x + attention(x)), norm(h + out(gelu(in(h)))). Where a
// batch has documents enough, threads take groups of them and go through all blocks on their own: nothing is waited
// for, and a group's rows stay in the cache. A document has the same bits in any batch and on any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/activation.h"
#include "kernels/packed_linear.h"

namespace limbeck::kernels {

struct BlockProduct {
  const PackedWeight* weight = nullptr;
  const float* bias = nullptr;  // [n], or null
};
struct BlockNorm {
  const float *weight = nullptr, *bias = nullptr;  // [D]
};
struct EncoderBlock {
  BlockProduct queries_keys_values, attention_out, in, out;
  BlockNorm attention_norm, norm;
};

struct EncoderBlocks {
  std::span<const EncoderBlock> blocks;  // in the order of the pass
  std::span<const int64_t> offsets;      // document i is tokens offsets[i] .. offsets[i+1]
  int64_t width = 0, inner = 0, heads = 0;
  float scale = 1, epsilon = 0;  // of q·k; of the norms
  Activation activation = Activation::kGelu;
  Format between = Format::kFp32;       // of what stands between products
  void* queries_keys_values = nullptr;  // [N,3D] of the last block in that format, when wanted
};

// hidden [N,D], in place.
void run(const EncoderBlocks& encoder, float* hidden);

// Groups of whole documents, boundaries in `offsets`: each of about `tokens` tokens, or of one document.
std::vector<int64_t> document_groups(std::span<const int64_t> offsets, int64_t tokens);

}  // namespace limbeck::kernels
