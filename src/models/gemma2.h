// Gemma 2 (arXiv:2408.00118): caps on scores and logits, every second block sees a window only.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture gemma2();

}  // namespace limbeck::models
