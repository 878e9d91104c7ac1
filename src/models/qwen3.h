// Qwen3 (arXiv:2505.09388), dense: a Llama that normalises queries and keys head by head before it turns them.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture qwen3();

}  // namespace limbeck::models
