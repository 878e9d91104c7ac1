// Variants of a text in which some words are others: the last step of TinyBERT's data augmentation (Jiao et al.,
// arXiv:1909.10351, algorithm 1). What may stand for a word is synthesis/word_candidates.h's to say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/seeds.h"

namespace limbeck::synthesis {

// A text and where in it (bytes) words stand that may be exchanged: runs of letters that are no stop words.
struct TextWords {
  std::string text;
  std::vector<std::pair<std::size_t, std::size_t>> words;  // begin and end, ascending

  std::string_view word(std::size_t i) const {
    return std::string_view(text).substr(words[i].first, words[i].second - words[i].first);
  }
};
TextWords words_of(std::string_view text);  // valid UTF-8

bool is_word(std::string_view text);       // letters only, at least one
bool is_stop_word(std::string_view word);  // of English, in any case
std::string in_lower_case(std::string_view text);

struct SubstitutionOptions {
  int64_t variants = 20;  // passes over a text (N_a); fewer variants when two passes give the same
  double share = 0.4;     // of the words with candidates that a pass exchanges (p_t)
};

// candidates[i]: for word i, none for a word that stays. Neither the text itself nor a variant twice.
std::vector<std::string> substituted(const TextWords& text, const std::vector<std::vector<std::string>>& candidates,
                                     const SubstitutionOptions& options, Seed seed);

}  // namespace limbeck::synthesis
