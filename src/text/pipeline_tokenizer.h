// A tokenizer of the components that a Pipeline names.
#pragma once

#include <memory>

#include "text/tokenizer.h"

namespace limbeck::text {

std::shared_ptr<const Tokenizer> make_pipeline_tokenizer(TokenizerSpec spec);  // spec.pipeline is there

// Throws what make_pipeline_tokenizer would throw about the components.
void check_pipeline(const Pipeline& pipeline, std::string_view where);

}  // namespace limbeck::text
