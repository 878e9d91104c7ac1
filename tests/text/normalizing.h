// A text after the normalisers that some JSON names.
#pragma once

#include <string>

#include "text/normalizer.h"

namespace limbeck::text {

inline NormalizedText normalizing(const char* json, std::string text) {
  const Json component = Json::parse(json);
  NormalizedText n{std::move(text)};
  for (const auto& step : make_normalizers(Component(component, "tokenizer.json", "normalizer"))) step->apply(n);
  return n;
}
inline std::string normalized_by(const char* json, std::string text) {
  return normalizing(json, std::move(text)).text;
}

}  // namespace limbeck::text
