// From texts to a tokenizer: BERT's (WordPiece behind BERT's normaliser) or that of GPT-2 and RoBERTa (byte-level BPE).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "text/tokenizer.h"

namespace limbeck::text {

enum class TrainedKind { kWordPiece, kBpe };

// The defaults are those of the `tokenizers` library's BertWordPieceTokenizer and ByteLevelBPETokenizer.
struct TokenizerTraining {
  TrainedKind kind = TrainedKind::kWordPiece;
  int64_t vocab_size = 30000, min_frequency = 2, limit_alphabet = 1000;
  std::vector<std::string> special_tokens;  // none given: those of BERT, or of RoBERTa
  bool lowercase = true;
  void describe(Fields& f);
};

struct TrainedTokenizer {
  TokenizerSpec spec;
  int64_t num_words = 0, num_distinct = 0;  // of the texts
  int64_t num_special = 0, num_characters = 0, num_merged = 0;
  int64_t num_left_out = 0;  // characters beyond limit_alphabet
};

// Texts are valid UTF-8. Throws UserError when they have no word, when the vocabulary has no room for its characters
// and special tokens, and when a special token that the kind needs is missing.
TrainedTokenizer train_tokenizer(std::span<const std::string_view> texts, const TokenizerTraining& training);

// tokenizer.json and tokenizer_config.json, and the older files that other tools read: vocab.txt, or vocab.json and
// merges.txt. The folder is written whole or not at all.
void save_trained_tokenizer(const TokenizerSpec& spec, const std::filesystem::path& folder);

}  // namespace limbeck::text
