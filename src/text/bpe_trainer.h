// Learns a vocabulary by byte pair encoding (Sennrich et al., arXiv:1508.07909, algorithm 1): the pair of neighbours
// that occurs most becomes a token, again and again. With a prefix for what continues a word ("##") its tokens are the
// vocabulary of WordPiece, as the `tokenizers` library makes it.
//
// Gives what that library's BpeTrainer and WordPieceTrainer give: of pairs that occur equally often the one of smaller
// ids is first, and counts follow its bookkeeping. There, the "##x" of single characters get their ids in the order of
// a hash map, another one in each process; here they are in the order of characters, like the others.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "text/word_counts.h"

namespace limbeck::text {

struct BpeTraining {
  int64_t vocab_size = 30000;
  int64_t min_frequency = 2;                  // of a pair that becomes a token
  int64_t limit_alphabet = 0;                 // the most characters; the rarest are left out. 0: all
  std::vector<std::string> special_tokens;    // they have the first ids
  std::vector<std::string> initial_alphabet;  // characters that are there even when no text has them
  std::string continuing_prefix;              // before what does not begin a word
};

struct TrainedBpe {
  std::vector<std::string> tokens;  // by id: special ones, characters, continuing characters, merged ones
  std::vector<std::pair<std::string, std::string>> merges;
  int64_t num_special = 0, num_characters = 0, num_left_out = 0;  // num_left_out: characters beyond limit_alphabet
};

// Words are valid UTF-8. Throws UserError when there are no words, and when the vocabulary has no room for what it must
// hold.
TrainedBpe train_bpe(std::span<const WordCount> words, const BpeTraining& training);

}  // namespace limbeck::text
