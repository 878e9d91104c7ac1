#include "synthesis/augmentation.h"

#include <utility>

#include "base/errors.h"
#include "base/phases.h"

namespace limbeck::synthesis {

void AugmentOptions::describe(Fields& f) {
  f("variants", substitution.variants, "passes over each text (N_a); 0: no augmentation", at_least(0));
  f("share", substitution.share, "of the words that a pass exchanges (p_t)", within(0, 1));
  f("candidates", candidates, "for each word (K)", at_least(1));
  f("masked_lm", masked_lm,
    "folder of an encoder with a masked-language-modelling head, asked for words of one piece; none: the nearest rows "
    "of the teacher's word embeddings",
    Names::kFolder);
  f("word_vectors", word_vectors,
    "text file of word vectors (GloVe), for words of several pieces; none: the nearest rows of word embeddings",
    Names::kFile);
  f("vector_words", vector_words, "how many of them are read, from the file's beginning", at_least(1));
}

data::TaskSplit augmented(const data::TaskSplit& split, data::TaskKind kind, WordCandidates& candidates,
                          const SubstitutionOptions& options, Seed seed) {
  const Phase phase("augment", "synthesis");
  if (kind != data::TaskKind::kClasses && kind != data::TaskKind::kScore)
    user_fail("augment", "expected a task of classes or scores, whose labels do not point into the text");
  std::vector<TextWords> texts;
  for (const data::TaskRow& row : split.rows)
    for (const std::string* text : {&row.first, &row.second}) texts.push_back(words_of(*text));
  const auto found = candidates.of(texts);
  data::TaskSplit larger = split;
  larger.rows.clear();
  for (std::size_t i = 0; i < split.rows.size(); ++i) {
    larger.rows.push_back(split.rows[i]);
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      const std::size_t text = 2 * i + side;
      for (std::string& variant : substituted(texts[text], found[text], options, seed.derive(text))) {
        larger.rows.push_back(split.rows[i]);
        (side == 0 ? larger.rows.back().first : larger.rows.back().second) = std::move(variant);
      }
    }
  }
  return larger;
}

}  // namespace limbeck::synthesis
