// What a tokenizer beyond plain byte-level BPE is made of. The components stand as tokenizer.json writes them, whatever
// file they came from, so that there is one description of each and saving gives back what was read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace limbeck::text {

enum class ModelKind { kBpe, kUnigram, kWordPiece };

struct Pipeline {
  ModelKind model = ModelKind::kBpe;
  Json normalizer, pre_tokenizer, post_processor, decoder;  // null for none
  std::optional<int32_t> unknown;                           // the token of what has none
  bool byte_fallback = false;                               // BPE and Unigram
  bool fuse_unknown = false, ignore_merges = false;         // BPE
  std::string continuing_prefix, end_of_word;               // BPE; the prefix also WordPiece ("##")
  int64_t longest_word = 100;                               // WordPiece: characters, longer ones are unknown
  std::vector<double> scores;                               // Unigram: by id
};

}  // namespace limbeck::text
