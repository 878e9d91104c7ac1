// Mistral (arXiv:2310.06825): a Llama whose blocks may all see a window only. In GGUF files it is a Llama.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture mistral();

}  // namespace limbeck::models
