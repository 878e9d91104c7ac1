#include "recipes/augmented_task.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "formats/word_vectors.h"

namespace limbeck::recipes {

OpenTask augmented_task(const OpenTask& task, const models::PretrainedEncoder& reader, const AugmentedBy& by,
                        Seed seed) {
  OpenTask larger = task;
  if (by.words.substitution.variants == 0) return larger;
  models::PretrainedEncoder asked = reader;  // for words that fit
  if (!by.words.masked_lm.empty()) {
    asked = models::load_encoder(by.words.masked_lm, models::Head{.kind = models::HeadKind::kMaskedLm});
    asked.model->freeze(by.precision);
  }
  std::optional<formats::WordVectors> vectors;
  if (!by.words.word_vectors.empty())
    vectors = formats::read_word_vectors(by.words.word_vectors, by.words.vector_words);
  synthesis::WordCandidates candidates(*asked.model, *asked.tokenizer, vectors ? &*vectors : nullptr,
                                       by.words.candidates);
  larger.data.train =
      synthesis::augmented(larger.data.train, larger.data.description.kind, candidates, by.words.substitution, seed);
  data::TaskEncodeOptions text = by.tokens;
  text.overlong = data::Overlong::kLongestFirst;
  larger.train = data::encode_split(larger.data.train, larger.data.description, *reader.tokenizer,
                                    limits_of(reader.model->config()), text);
  fmt::print("with variants: {}\n", data::size_text(larger.train));
  std::fflush(stdout);
  return larger;
}

}  // namespace limbeck::recipes
