#include "synthesis/contamination.h"

#include <fmt/format.h>

#include "synthesis/normal_form.h"

namespace limbeck::synthesis {
namespace {

// Calls use(words start .. start+n joined by spaces) until it returns true.
template <class Use>
void each_ngram(const std::vector<std::string>& words, int64_t n, const Use& use) {
  for (std::size_t start = 0; start + static_cast<std::size_t>(n) <= words.size(); ++start) {
    std::string joined;
    for (std::size_t i = start; i < start + static_cast<std::size_t>(n); ++i) joined += words[i] + ' ';
    if (use(joined)) return;
  }
}

}  // namespace

void DecontaminationOptions::describe(Fields& f) {
  f("exact", exact, "reject a problem with the same words as a test question");
  f("ngram", ngram, "reject a problem or program that shares this many words in a row with a test question; 0: off",
    at_least(0));
}

TestSet::TestSet(std::span<const Problem> problems, const DecontaminationOptions& options) : options_(options) {
  for (const auto& problem : problems) {
    if (options_.exact) questions_.emplace(normal_question(problem.question), problem.id);
    if (options_.ngram > 0)
      each_ngram(normal_words(problem.question), options_.ngram, [&](const std::string& words) {
        ngrams_.emplace(words, problem.id);
        return false;
      });
  }
}

std::optional<std::string> TestSet::overlap(std::string_view text) const {
  if (options_.exact)
    if (const auto found = questions_.find(normal_question(text)); found != questions_.end())
      return fmt::format("same question as test problem '{}'", found->second);
  std::optional<std::string> why;
  if (options_.ngram > 0)
    each_ngram(normal_words(text), options_.ngram, [&](const std::string& words) {
      const auto found = ngrams_.find(words);
      if (found != ngrams_.end())
        why = fmt::format("shares {} words in a row with test problem '{}'", options_.ngram, found->second);
      return why.has_value();
    });
  return why;
}

}  // namespace limbeck::synthesis
