// A BERT without token types: the architecture of DistilBERT (Sanh et al., arXiv:1910.01108, sec. 3).
#pragma once

#include <memory>

#include "models/encoder.h"

namespace limbeck::models {

// A masked language model of BERT's architecture as one of DistilBERT's, its weights copied. The embedding of type 0,
// which every token of a single text has, is added to those of the positions, so that single texts are read as before;
// the official code drops it. Throws UserError for what DistilBERT's config cannot say.
std::shared_ptr<Encoder> as_distilbert(Encoder& bert);

}  // namespace limbeck::models
