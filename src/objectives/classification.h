// The losses of labelled tasks, on the outputs of an encoder's head: classes, tags, scores, choices and spans. Sums are
// fp32 (fp64 for fp64 inputs); a row without a label (-100) counts nothing.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "objectives/loss.h"

namespace limbeck::objectives {

struct ClassOptions {
  // Share of the target that is spread over all classes (label smoothing, Szegedy et al. 2016, arXiv:1512.00567,
  // sec. 7).
  double smoothing = 0;
};

// logits [R,C], labels [R] int64 (-100: none) -> Σ -Σ_c q(c) log softmax(logits)[c] and the number of labelled rows.
// Throws for a label outside 0 .. C-1.
Term class_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const ClassOptions& options = {});

// predicted [R] or [R,1], scores [R] (NaN: none) -> Σ (predicted - score)² and the number of scored rows.
Term score_squared_error(const at::Tensor& predicted, const at::Tensor& scores);

// One score a document, [D] or [D,1]; an example's choices are the documents firsts[i] .. firsts[i+1]; labels [B]:
// which of them, from 0. Cross-entropy over the choices of each example.
Term choice_cross_entropy(const at::Tensor& scores, const std::vector<int64_t>& firsts, const at::Tensor& labels);

// logits [N,2] of the tokens of documents offsets[i] .. offsets[i+1]; begins and ends [D]: first and last token of the
// answer, counted within the document. Mean of the two cross-entropies over a document's tokens, as BERT's for SQuAD
// (Devlin et al. 2019, arXiv:1810.04805, sec. 4.2).
Term span_cross_entropy(const at::Tensor& logits, const std::vector<int64_t>& offsets, const at::Tensor& begins,
                        const at::Tensor& ends);

// values [N], ragged rows offsets[i] .. offsets[i+1] -> log softmax of each row, [rows, longest], -inf past a row's
// end.
at::Tensor ragged_log_softmax(const at::Tensor& values, const std::vector<int64_t>& offsets);

}  // namespace limbeck::objectives
