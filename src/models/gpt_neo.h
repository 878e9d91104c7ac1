// GPT-Neo (Black et al. 2021, doi:10.5281/zenodo.5297715): GPT-2 with blocks that see a window only in turn with blocks
// that see everything, and scores that are not scaled. The dropout of its config is not applied.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture gpt_neo();

}  // namespace limbeck::models
