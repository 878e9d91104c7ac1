// Qwen2 (arXiv:2407.10671): a Llama with biases on queries, keys and values, and a window in upper layers on request.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture qwen2();

}  // namespace limbeck::models
