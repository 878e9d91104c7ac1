// Plain texts as examples for pretraining: each between the tokenizer's special tokens, long ones cut, lines alone (as
// DistilBERT's official code has them) or one after another until an example is full (RoBERTa's FULL-SENTENCES,
// arXiv:1907.11692, sec. 4.2).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"
#include "data/batch.h"
#include "text/tokenizer.h"

namespace limbeck::data {

enum class Packing { kLines, kFull };

struct TextPieceOptions {
  int64_t max_length = 128;  // tokens of an example, special ones included
  Packing packing = Packing::kFull;
  int64_t min_length = 0;     // shorter examples are left out
  double most_unknown = 0.5;  // examples with as large a share of unknown tokens are left out
  void describe(Fields& f);
};

struct TextPieces {
  std::vector<Example> examples;  // index: their place here
  int64_t num_tokens = 0;
  int64_t num_short = 0, num_unknown = 0;  // left out
};

// Special tokens in a text are text. Throws UserError when nothing is left and for a length that the model's context
// (in tokens) does not have. `where` is for messages.
TextPieces cut_texts(std::span<const std::string_view> texts, const text::Tokenizer& tokenizer,
                     const TextPieceOptions& options, int64_t context, const std::string& where);

// Texts for training, and a share of them held out (whole texts, drawn by the seed, both in the given order).
struct HeldOut {
  std::vector<std::string_view> train, dev;
};
HeldOut hold_out(std::span<const std::string_view> texts, double share, Seed seed);

// "1,234 examples, 56,789 tokens, 12 left out as too short"
std::string size_text(const TextPieces& pieces);

}  // namespace limbeck::data
