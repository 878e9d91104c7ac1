// Attention within the documents of a pack as a differentiable function: by kernels/packed_attention.h, or, for other
// devices and dtypes, by LibTorch's attention, document by document.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/attention_plan.h"

namespace limbeck::nn {

struct PackedDocuments {
  const std::vector<int64_t>& offsets;  // document i is tokens offsets[i] .. offsets[i+1]
  bool causal = true;                   // or each token sees its whole document
  double dropout = 0;                   // of the attention weights
  std::vector<uint64_t> dropout_keys;   // what each document's masks are drawn by, when dropout > 0
};

// q [N,H,E], k and v [N,K,E] with H a multiple of K -> [N,H,E]. Tokens may lie apart, as in the rows of one product of
// queries, keys and values.
at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const PackedDocuments& documents, const AttentionOptions& options);

// packed_full (nn/attention_plan.h) where what a document loses is drawn by its key instead of its number in the pack,
// so that it loses the same in any batch. The masks depend on the salt, the layer, the key, the head and the places of
// query and key in the document.
std::unique_ptr<AttentionPlan> packed_full(std::vector<int64_t> offsets, double dropout, uint64_t dropout_salt,
                                           std::vector<uint64_t> document_keys);

// The documents of a packed_full plan without dropout, for steps that hold more than attention; null for other plans.
const std::vector<int64_t>* whole_documents(const AttentionPlan& plan);

}  // namespace limbeck::nn
