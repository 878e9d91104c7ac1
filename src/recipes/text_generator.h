// A masked language model that writes words into hidden places of texts, and learns by what becomes of them: words are
// drawn by the straight-through Gumbel softmax (Jang, Gu, Poole, arXiv:1611.01144, sec. 2.2; Maddison, Mnih, Teh,
// arXiv:1611.00712). Forward a hidden place has the word argmax(z + g), g of the Gumbel distribution; backward it
// counts as the mean of all words by softmax((z + g) / τ). What is drawn is a function of the seed, the example and
// the place: neither batches nor threads change it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/seeds.h"
#include "data/batch.h"
#include "data/masking.h"
#include "models/encoder.h"
#include "text/tokenizer.h"

namespace limbeck::recipes {

struct WrittenText {
  at::Tensor ids;   // [N] int64: the batch's, with words in the hidden places
  at::Tensor rows;  // [M] int64: the hidden places, ascending
  at::Tensor
      soft;  // [M,V] softmax((z + g) / τ), differentiable; undefined where nothing is hidden, or without gradients
};

class TextGenerator {
 public:
  // `mask_share` of each text's tokens are hidden, special ones never; `temperature`: τ. The encoder has a head for
  // masked language modelling. Special tokens are not written either.
  TextGenerator(std::shared_ptr<models::Encoder> encoder, const text::Tokenizer& tokenizer, double mask_share,
                double temperature);

  models::Encoder& encoder() { return *encoder_; }
  // With the encoder's dropout. `examples`: those that the batch's indices count.
  WrittenText write(const data::Batch& batch, const std::vector<data::Example>& examples, Seed seed);

 private:
  std::shared_ptr<models::Encoder> encoder_;
  data::Masker masker_;
  double temperature_;
  at::Tensor allowed_;  // [V] fp32: 0, or -inf for what is never written
};

// [N,E]: of the words of a text in a table [V,E], for EncoderWant::embeddings. The values are the words' own rows; the
// gradient of a hidden place flows into its `soft`, none into the table.
at::Tensor written_embeddings(const WrittenText& text, const at::Tensor& table);

// [M,width] fp32, a row by each seed; the Gumbel distribution: -log(-log u), finite.
at::Tensor gumbel_noise(const std::vector<Seed>& rows, int64_t width);

}  // namespace limbeck::recipes
