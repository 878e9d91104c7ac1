// A tiny model whose tokenizer has a chat template.
#pragma once

#include "generate/tiny_model.h"

namespace limbeck::serve {

inline models::Pretrained tiny_chat_model() {
  models::Pretrained source = generate::tiny_model();
  text::TokenizerSpec spec = source.tokenizer->spec();
  spec.chat_template =
      "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
      "{% if add_generation_prompt %}[assistant]{% endif %}";
  source.tokenizer = text::Tokenizer::from_spec(std::move(spec));
  return source;
}

}  // namespace limbeck::serve
