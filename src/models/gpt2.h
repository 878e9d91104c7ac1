// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"): learned positions, layer norms
// before attention and feed-forward, biases everywhere, tied embeddings; its files hold matrices as [in,out]. The
// dropout of its config is not applied.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture gpt2();

}  // namespace limbeck::models
