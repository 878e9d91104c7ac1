#include "synthesis/word_substitution.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/errors.h"
#include "text/unicode.h"
#include "text/unicode_properties.h"

namespace limbeck::synthesis {
namespace {

// Words without meaning of their own, and what "don't" or "it's" fall into. Sorted.
constexpr std::string_view kStopWords[] = {
    "a",      "about",     "above",      "after",   "again", "against", "all",     "am",    "an",       "and",
    "any",    "are",       "aren",       "as",      "at",    "be",      "because", "been",  "before",   "being",
    "below",  "between",   "both",       "but",     "by",    "can",     "couldn",  "d",     "did",      "didn",
    "do",     "does",      "doesn",      "doing",   "don",   "down",    "during",  "each",  "few",      "for",
    "from",   "further",   "had",        "hadn",    "has",   "hasn",    "have",    "haven", "having",   "he",
    "her",    "here",      "hers",       "herself", "him",   "himself", "his",     "how",   "i",        "if",
    "in",     "into",      "is",         "isn",     "it",    "its",     "itself",  "just",  "ll",       "m",
    "me",     "more",      "most",       "mustn",   "my",    "myself",  "needn",   "no",    "nor",      "not",
    "now",    "o",         "of",         "off",     "on",    "once",    "only",    "or",    "other",    "our",
    "ours",   "ourselves", "out",        "over",    "own",   "re",      "s",       "same",  "shan",     "she",
    "should", "shouldn",   "so",         "some",    "such",  "t",       "than",    "that",  "the",      "their",
    "theirs", "them",      "themselves", "then",    "there", "these",   "they",    "this",  "those",    "through",
    "to",     "too",       "under",      "until",   "up",    "ve",      "very",    "was",   "wasn",     "we",
    "were",   "weren",     "what",       "when",    "where", "which",   "while",   "who",   "whom",     "why",
    "will",   "with",      "won",        "wouldn",  "y",     "you",     "your",    "yours", "yourself", "yourselves"};
static_assert(std::is_sorted(std::begin(kStopWords), std::end(kStopWords)));

bool is_of_a_word(uint32_t c) {
  return (text::char_classes()[c] & (text::kLetter | text::kNumber)) ||
         (text::char_properties()[c] & text::kCombiningMark);
}

}  // namespace

bool is_word(std::string_view word) {
  for (std::size_t at = 0; at < word.size();) {
    const auto c = text::code_point_at(word.data() + at);
    if (!(text::char_classes()[c.value] & text::kLetter)) return false;
    at += c.size;
  }
  return !word.empty();
}

std::string in_lower_case(std::string_view given) {
  std::string lower;
  for (std::size_t at = 0; at < given.size();) {
    const auto c = text::code_point_at(given.data() + at);
    if (text::char_properties()[c.value] & text::kHasLowerCase)
      text::append_lower_case(c.value, lower);
    else
      text::append_utf8(c.value, lower);
    at += c.size;
  }
  return lower;
}

bool is_stop_word(std::string_view word) {
  return std::binary_search(std::begin(kStopWords), std::end(kStopWords), std::string_view(in_lower_case(word)));
}

TextWords words_of(std::string_view text) {
  TextWords result{.text = std::string(text)};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    while (at < text.size()) {
      const auto c = text::code_point_at(text.data() + at);
      if (!is_of_a_word(c.value)) break;
      at += c.size;
    }
    if (at == begin) {
      at += text::code_point_at(text.data() + at).size;
      continue;
    }
    const std::string_view word = text.substr(begin, at - begin);
    if (is_word(word) && !is_stop_word(word)) result.words.emplace_back(begin, at);
  }
  return result;
}

std::vector<std::string> substituted(const TextWords& text, const std::vector<std::vector<std::string>>& candidates,
                                     const SubstitutionOptions& options, Seed seed) {
  if (candidates.size() != text.words.size())
    fail("substituted", "expected candidates for each of {} words but received {}", text.words.size(),
         candidates.size());
  Random random(seed);
  std::set<std::string> seen = {text.text};
  std::vector<std::string> variants;
  for (int64_t pass = 0; pass < options.variants; ++pass) {
    std::string variant;
    std::size_t done = 0;
    for (std::size_t i = 0; i < text.words.size(); ++i) {
      if (candidates[i].empty() || random.uniform() >= options.share) continue;
      variant.append(text.text, done, text.words[i].first - done);
      variant += candidates[i][random.below(candidates[i].size())];
      done = text.words[i].second;
    }
    variant.append(text.text, done);
    if (seen.insert(variant).second) variants.push_back(std::move(variant));
  }
  return variants;
}

}  // namespace limbeck::synthesis
