// The pieces of a text with "|" between, after the pre-tokenisers that some JSON names.
#pragma once

#include <string>

#include "text/pre_tokenizer_steps.h"

namespace limbeck::text {

inline std::string split_by(const char* json, std::string text) {
  const Json component = Json::parse(json);
  Pieces pieces{.text = text, .list = {{0, text.size()}}};
  for (const auto& step : make_pre_tokenizer_steps(Component(component, "tokenizer.json", "pre_tokenizer")))
    step->apply(pieces);
  std::string out;
  for (const auto& piece : pieces.list) out.append(out.empty() ? "" : "|").append(pieces.of(piece));
  return out;
}

}  // namespace limbeck::text
