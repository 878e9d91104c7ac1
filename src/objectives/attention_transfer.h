// What a student's heads attend to, taught by a teacher's: scores before the softmax as in TinyBERT (Jiao et al.,
// arXiv:1909.10351, eq. 7), or the attention distributions as in MiniLM (Wang et al., arXiv:2002.10957, eq. 5).
//
// TinyBERT's official code differs in two ways that only padding has: rows of padded queries are part of its mean, and
// scores at or below -100 (its mask of padded keys) count as 0 on each side. Here there is no padding and every score
// is a real one. With padded_length the divisor is that code's, documents · H · length².
#pragma once

#include <cstdint>
#include <vector>

#include "objectives/loss.h"
#include "objectives/relations.h"

namespace limbeck::objectives {

// x: queries, y: keys, [N,H,E] each. Σ over documents, heads, queries and keys of (q·k/√E of the student less the
// teacher's)². Count: H · Σ L², or documents · H · padded_length² where that is above 0.
Term attention_score_mse(const Relation& student, const Relation& teacher, const std::vector<int64_t>& offsets,
                         int64_t padded_length = 0);

// Σ over heads and queries of KL(teacher's attention ‖ student's). Count: H · N.
Term attention_divergence(const Relation& student, const Relation& teacher, const std::vector<int64_t>& offsets);

}  // namespace limbeck::objectives
