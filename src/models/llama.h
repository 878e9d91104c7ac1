// The Llama family (arXiv:2302.13971, 2307.09288, 2407.21783; Mistral arXiv:2310.06825; Qwen2 arXiv:2407.10671; Qwen3
// arXiv:2505.09388): pre-normalised decoder blocks with grouped-query attention, rotary positions and a gated
// feed-forward. What differs between the members is in DecoderConfig. No dropout, no mixture of experts.
#pragma once

#include <memory>

#include "models/catalog.h"

namespace limbeck::models {

std::shared_ptr<LanguageModel> make_llama(const DecoderConfig& config);  // uninitialised weights

Architecture llama();

}  // namespace limbeck::models
