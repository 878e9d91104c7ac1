// A small BERT with a vocabulary of its own, for tests of what asks a masked language model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "text/train_tokenizer.h"

namespace limbeck::synthesis {

inline models::PretrainedEncoder tiny_masked_lm(models::HeadKind head = models::HeadKind::kMaskedLm,
                                                const std::vector<std::string_view>& texts = {
                                                    "red green blue black white brown apples pears plums ran walked",
                                                    "red green blue black white brown apples pears plums ran walked"}) {
  const auto tokenizer =
      text::Tokenizer::from_spec(text::train_tokenizer(texts, {.vocab_size = 120, .min_frequency = 1}).spec);
  const models::EncoderConfig config{.vocab_size = tokenizer->vocab_size(),
                                     .hidden_size = 16,
                                     .intermediate_size = 24,
                                     .num_hidden_layers = 2,
                                     .num_attention_heads = 2,
                                     .embedding_size = 16,
                                     .max_position_embeddings = 24,
                                     .initializer_range = 0.5};
  return {models::make_encoder(config, {.kind = head}, Seed(5)), tokenizer};
}

}  // namespace limbeck::synthesis
