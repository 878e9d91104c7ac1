// The student of DistilBERT (Sanh et al., arXiv:1910.01108, sec. 2 and 3): some of the teacher's blocks, without token
// types.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/seeds.h"
#include "data/batch.h"
#include "models/encoder.h"
#include "recipes/distilbert.h"
#include "recipes/distilbert_arms.h"

namespace limbeck::recipes {

// The teacher's blocks that remain, ascending. `held_out`: what contributions are measured on, where the rule asks.
std::vector<int64_t> student_blocks(const DistilbertOptions& options, models::Encoder& teacher,
                                    const std::vector<data::Example>& held_out, Seed seed);

// The teacher with those blocks alone, or random weights of its sizes; in the family and precision of the options. The
// product and norm before the vocabulary product are new unless copy_transform says otherwise.
std::shared_ptr<models::Encoder> distilbert_student(const DistilbertOptions& options, models::Encoder& teacher,
                                                    const std::vector<int64_t>& blocks, StartFrom start, Seed seed);

}  // namespace limbeck::recipes
