// Which tokens of a text a masked language model has to guess, and what it sees in their place: BERT's masking (Devlin
// et al., arXiv:1810.04805, sec. 3.1) drawn anew each time a text is seen (RoBERTa, arXiv:1907.11692, sec. 4.1), of
// whole words on request, and DistilBERT's choice, by which rare tokens are asked for more often than frequent ones
// (arXiv:1910.01108, official code). Masks are a function of a seed and of the texts' numbers, not of how a batch is
// cut or ordered.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"
#include "data/batch.h"
#include "text/tokenizer.h"

namespace limbeck::data {

enum class MaskedFrom {
  kEachText,    // round(rate · tokens) of each text, at least one
  kWholeBatch,  // ⌈rate · tokens⌉ of a batch, special tokens counted among its tokens
};

struct MaskingOptions {
  double rate = 0.15, mask_share = 0.8, random_share = 0.1;  // of the chosen: [MASK], another token; the rest stays
  MaskedFrom from = MaskedFrom::kEachText;
  double smoothing = 0;      // a token is chosen in proportion to its count in the texts ^ -smoothing
  bool whole_words = false;  // the pieces of a word are chosen together, as long as they fit into the number
  void describe(Fields& f);
};

// One text as the model sees it. Special tokens are never chosen and never put in.
struct MaskedText {
  std::vector<int32_t> ids;     // with the chosen tokens replaced
  std::vector<int32_t> places;  // of the chosen tokens in the text, ascending
};

// A batch as the model sees it.
struct MaskedBatch {
  at::Tensor ids;      // [N] int64
  at::Tensor rows;     // [M] int64: the chosen tokens, ascending
  at::Tensor targets;  // [M] int64: what stood there
};

class Masker {
 public:
  // `counts`: of each token in the training texts, for smoothing; none: all alike. Throws UserError for a tokenizer
  // without a mask token, and for a kind whose words cannot be told apart with whole_words.
  Masker(const text::Tokenizer& tokenizer, const MaskingOptions& options, const std::vector<int64_t>& counts = {});

  // Of the examples of one optimiser batch, in their order.
  std::vector<MaskedText> draw(std::span<const Example* const> batch, Seed seed) const;

  int32_t mask_id() const { return mask_; }

 private:
  struct Unit;  // what is chosen together: a token, or the pieces of a word
  void add_units(const Example& text, Seed seed, int64_t text_index, std::vector<Unit>& units) const;
  void choose(std::vector<Unit>& units, int64_t number, std::vector<MaskedText>& texts) const;
  void replace(const Example& text, Seed seed, MaskedText& masked) const;

  MaskingOptions options_;
  int32_t mask_ = 0;
  std::vector<double> weights_;        // of each id; 0: never chosen
  std::vector<uint8_t> continues_;     // whether a token goes on with the word before it
  std::vector<int32_t> replacements_;  // ids that may stand in another's place
};

// How often each id below vocab_size occurs in examples.
std::vector<int64_t> token_counts(const std::vector<Example>& examples, int64_t vocab_size);

// The masks of one optimiser step, by the number of the example (Example::index): drawn once for the whole batch,
// handed to each forward pass that has a part of it.
class StepMasks {
 public:
  StepMasks() = default;
  StepMasks(const Masker& masker, const std::vector<Example>& examples, const std::vector<int64_t>& batch, Seed seed);
  MaskedBatch of(const Batch& batch) const;
  int64_t num_tokens() const { return num_tokens_; }  // of the whole optimiser batch
  int64_t num_masked() const { return num_masked_; }

 private:
  std::unordered_map<int64_t, MaskedText> texts_;
  int64_t num_tokens_ = 0, num_masked_ = 0;
};

// The token of the tokenizer that stands for a hidden one ("[MASK]" or "<mask>").
std::optional<int32_t> mask_token(const text::Tokenizer& tokenizer);

}  // namespace limbeck::data
