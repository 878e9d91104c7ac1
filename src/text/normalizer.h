// The normalisers of tokenizer.json: what is done to a text before it is split. As the `tokenizers` library does it.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "text/component.h"

namespace limbeck::text {

struct NormalizedText {
  std::string text;  // valid UTF-8
  // How many of its first characters came from the text's first one: Metaspace's "first" asks whether there is one.
  std::size_t num_from_first = 1;

  void lose_first(std::size_t characters) { num_from_first -= std::min(num_from_first, characters); }
};

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(NormalizedText& text) const = 0;
};
using Normalizers = std::vector<std::unique_ptr<Normalizer>>;  // one after another

// Throws UserError naming the component that is not supported.
Normalizers make_normalizers(const Component& component);

std::unique_ptr<Normalizer> make_bert_normalizer(const Component& component);       // normalizer_bert.cpp
std::unique_ptr<Normalizer> make_replacing_normalizer(const Component& component);  // normalizer_replace.cpp

}  // namespace limbeck::text
