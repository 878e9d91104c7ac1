// MiniLM: what the last block's self-attention does, whatever the student's depth and width. Version 1 (Wang et al.,
// arXiv:2002.10957, eq. 5 to 8): the attention distributions and the relations between values. Version 2 (Wang et al.,
// arXiv:2012.15828, eq. 3 to 5): relations between queries, between keys and between values, over as many relation
// heads in both, so that student and teacher need not have as many attention heads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "objectives/loss.h"

namespace limbeck::objectives {

struct SelfAttention {
  at::Tensor q, k, v;  // [N,H,E] of one block
};

// Terms "attention" (q·k) and "values" (v·v), each Σ over heads and tokens of KL(teacher ‖ student) with count H · N.
// Student and teacher have as many heads.
Loss minilm(const SelfAttention& student, const SelfAttention& teacher, const std::vector<int64_t>& offsets);

struct RelationOptions {
  int64_t heads = 48;                                       // A_r: H·E of both is a multiple of it
  double queries = 1. / 3, keys = 1. / 3, values = 1. / 3;  // α of each relation
};

// Terms "queries", "keys" and "values" with count heads · N; one whose weight is 0 is not computed.
Loss minilm_relations(const SelfAttention& student, const SelfAttention& teacher, const std::vector<int64_t>& offsets,
                      const RelationOptions& options = {});

}  // namespace limbeck::objectives
