// The decoders of tokenizer.json: from the texts of tokens to the text that they stand for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/component.h"

namespace limbeck::text {

class DecoderStep {
 public:
  virtual ~DecoderStep() = default;
  virtual void apply(std::vector<std::string>& tokens) const = 0;
};

class Decoder {
 public:
  explicit Decoder(const Component& component);  // throws UserError naming the component that is not supported
  std::string decode(std::vector<std::string> tokens) const;
  // The bytes of one token in the middle of a text, not yet whole characters where a token is a byte.
  std::string bytes_of(std::string_view token) const;

 private:
  std::vector<std::unique_ptr<DecoderStep>> steps_;  // none: tokens with a space between
  // What bytes_of asks about.
  bool byte_level_ = false, byte_fallback_ = false;
  std::string space_mark_;         // becomes a space
  std::string continuing_prefix_;  // WordPiece: a token with it continues a word, another begins one
  bool words_ = false;
  std::string end_of_word_;  // BPEDecoder: becomes a space
};

}  // namespace limbeck::text
