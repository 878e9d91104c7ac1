// The keys of one architecture in the metadata of a GGUF file, as they are written: what several layouts have in common
// and how they refuse what a file has no key for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf_write.h"
#include "models/language_model.h"
#include "nn/rope.h"

namespace limbeck::models {

class GgufKeys {
 public:
  // The last two outlive it.
  GgufKeys(std::string_view architecture, const DecoderConfig& config, formats::GgufMetadata& metadata)
      : architecture_(architecture), config_(config), metadata_(metadata) {}

  void put(std::string_view key, formats::GgufValue value);
  void count(std::string_view key, int64_t number) { put(key, static_cast<uint32_t>(number)); }
  void number(std::string_view key, double number) { put(key, static_cast<float>(number)); }

  // Of the vocabulary, the context, the width, the blocks, the feed-forward block and the number of heads.
  void sizes();
  // Of heads that are not the width over their number.
  void head_sizes();
  // The base, the rotated part of a head and the scaling. Llama 3's stands in a tensor (gguf_export.cpp).
  void rope(const nn::RopeOptions& options);

  // UserError where `holds` is not so: "key: expected EXPECTED but received RECEIVED, which a file of ARCH cannot say".
  void expect(bool holds, std::string_view key, std::string_view expected, const std::string& received) const;

 private:
  std::string_view architecture_;
  const DecoderConfig& config_;
  formats::GgufMetadata& metadata_;
};

// The smallest p of which block l sees the window only unless (l + 1) % p is 0; 0 where there is none.
int64_t window_pattern(const std::vector<bool>& windowed_layers);

// All of a Llama.
void put_llama_gguf(const DecoderConfig& config, GgufKeys& keys);

}  // namespace limbeck::models
