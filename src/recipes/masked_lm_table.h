// Masked language models side by side, for methods that pretrain several: the same held-out hidden tokens for all.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/run.h"
#include "recipes/masked_lm.h"

namespace limbeck::recipes {

struct MaskedLmRow {
  std::string name, title;
  MaskedLmFigures figures;
  int64_t parameters = 0;
};

// Prints the table and leaves it in the run's folder as pretraining.md, headed by the method's title, and as
// pretraining.json with `facts` beside the rows. The first row is the teacher's, from which the others' divergence is.
void write_masked_lm_table(const std::string& method, const std::vector<MaskedLmRow>& rows, const MaskedLmData& data,
                           const Json& facts, const Run& run);

}  // namespace limbeck::recipes
