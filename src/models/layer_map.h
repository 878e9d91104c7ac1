// Which block of a teacher each block of a student learns from: declared once, for every method that compares layers.
// Blocks are counted from 0. Hidden state b + 1 of a model is what its block b gives; state 0, after the embeddings,
// goes with state 0.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fields.h"

namespace limbeck::models {

enum class LayerMapKind {
  kUniform,  // every (N/M)-th, the last with the last: g(m) = m·N/M of TinyBERT (arXiv:1909.10351, sec. 4.1)
  kTop,      // the last M: g(m) = m + N - M
  kBottom,   // the first M: g(m) = m
  kLast,     // only the last with the last (MiniLM, DistilBERT's cosine)
  kGiven,
};

struct LayerMapOptions {
  LayerMapKind kind = LayerMapKind::kUniform;
  std::vector<int64_t> given;  // the teacher's block for each of the student's
  void describe(Fields& f);
};

struct LayerPair {
  int64_t student = 0, teacher = 0;
  bool operator==(const LayerPair&) const = default;
};

// Pairs by the student's block, ascending. Where M does not divide N, uniform takes the nearest (TinyBERT's code
// refuses such a pair). Throws UserError for a student that is deeper than its teacher and for given blocks that are
// not there.
std::vector<LayerPair> layer_pairs(int64_t student_blocks, int64_t teacher_blocks, const LayerMapOptions& options);

}  // namespace limbeck::models
