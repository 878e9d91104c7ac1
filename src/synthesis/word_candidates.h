// What may stand for a word (Jiao et al., arXiv:1909.10351, algorithm 1): for a word of one piece what a masked
// language model expects in its place, for others the nearest ones by word vectors. Where there is no masked language
// model or no vector, the nearest rows of the encoder's own word embeddings.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/word_vectors.h"
#include "models/encoder.h"
#include "synthesis/word_substitution.h"
#include "text/tokenizer.h"

namespace limbeck::synthesis {

class WordCandidates {
 public:
  // k: of each word, itself not among them. An encoder with a masked-language-modelling head is asked; of any other
  // only the word embeddings are read. `vectors` may be null. All outlive this.
  WordCandidates(models::Encoder& encoder, const text::Tokenizer& tokenizer, const formats::WordVectors* vectors,
                 int64_t k);

  // Of each word of each text. The model sees "text with the word hidden [SEP] text"; a forward pass holds at most
  // max_tokens tokens.
  using OfText = std::vector<std::vector<std::string>>;
  std::vector<OfText> of(const std::vector<TextWords>& texts, int64_t max_tokens = 8192);

 private:
  struct Question {
    std::size_t text, word;
    std::vector<int32_t> ids, types;
  };
  bool asks_model(const TextWords& text, std::size_t word, Question& question) const;
  void answer(const std::vector<Question>& questions, const std::vector<TextWords>& texts, std::vector<OfText>& found);
  void find_neighbours(const std::vector<std::string>& lower);
  void keep_nearest(const std::vector<std::string>& lower, const at::Tensor& table, const at::Tensor& vectors,
                    const at::Tensor& allowed, const std::vector<std::string>& names);
  at::Tensor mean_embedding(const std::string& lower) const;
  std::vector<int32_t> pieces_of(std::string_view word) const;

  models::Encoder& encoder_;
  const text::Tokenizer& tokenizer_;
  const formats::WordVectors* vectors_;
  const int64_t k_;
  bool byte_level_ = false;
  std::vector<std::string> words_;        // by id; "" for a token that is no word
  at::Tensor allowed_, allowed_vectors_;  // [V] and [words] bool
  std::unordered_map<std::string, int64_t> vector_rows_;
  std::unordered_map<std::string, std::vector<std::string>> neighbours_;  // by word in lower case
};

}  // namespace limbeck::synthesis
