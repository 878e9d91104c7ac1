// How the tokens of a document look at each other: a score xᵢ·yⱼ / √E for every pair, head by head. Where x are queries
// and y keys that is attention; where both are values, MiniLM's value relation. Student and teacher are compared
// document by document, and the gradients are made while a document's [H,L,L] scores are there: each thread holds those
// of one document, in the forward pass alone.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace limbeck::objectives {

struct Relation {
  at::Tensor x, y;  // [N,H,E] each, fp32, fp64 or bf16 (computed in fp32)
};

enum class Compared {
  kScores,         // Σ over heads and pairs of (student - teacher)², before the softmax
  kProbabilities,  // Σ over heads and tokens of KL(softmax teacher ‖ softmax student)
};

// Documents offsets[i] .. offsets[i+1]. Student and teacher have as many heads, of any width. Returns the sum over all
// documents, differentiable in the student; it does not depend on packing or the number of threads.
at::Tensor compare_relations(const Relation& student, const Relation& teacher, const std::vector<int64_t>& offsets,
                             Compared compared);

// Σ over documents of L²: pairs of a head.
double num_pairs(const std::vector<int64_t>& offsets);

}  // namespace limbeck::objectives
