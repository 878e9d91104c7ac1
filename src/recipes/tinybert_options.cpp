#include <fmt/format.h>

#include <optional>

#include "base/errors.h"
#include "base/json.h"
#include "data/corpus.h"
#include "recipes/distilbert.h"
#include "recipes/tinybert.h"
#include "recipes/tinybert_arms.h"
#include "text/tokenizer.h"

namespace limbeck::recipes {

void GeneralOptions::describe(Fields& f) {
  f("texts", texts, "files of plain texts: a line of a .txt file, a row of JSON Lines or CSV; also gzip or zstd");
  f("field", field, "of a row, which has its text");
  f("teacher", teacher, "folder of an encoder that was not fine-tuned; none: the teacher's folder", Names::kFolder);
  f("masked_lm", masked_lm,
    "folder of an encoder with a masked-language-modelling head, which the arm distilbert learns from; none: as "
    "teacher here",
    Names::kFolder);
  f.group("text", text);
  f.group("train", train);
}

TinybertOptions::TinybertOptions() {
  arms = {"teacher", "fine_tune", "kd", "full"};
  train.epsilon = 1e-6, train.bias_correction = false, train.clip = train::Clip::kEach;
}

void TinybertOptions::describe(Fields& f) {
  f("teacher", teacher, "folder of the encoder that teaches; fine-tuned first where it has no head for the task",
    Names::kRequiredFolder);
  f("layers", layers, "blocks of the student", at_least(1));
  f("width", width, "of its hidden states; a multiple of the teacher's attention heads", at_least(1));
  f("intermediate_size", intermediate_size, "width inside its feed-forward blocks", at_least(1));
  StudyOptions::describe(f, tinybert_arm_names());
  f.group("loss", loss);
  f.group("pkd", pkd);
  f.group("general", general);
  f.group("augment", augment);
  f.group("intermediate", intermediate);
  f.check([this]() -> std::optional<std::string> {
    for (const std::string& file : general.texts)
      if (!std::filesystem::is_regular_file(file)) return "general.texts: expected a file but found none at " + file;
    return std::nullopt;
  });
}

std::vector<std::filesystem::path> TinybertOptions::inputs() const {
  auto files = StudyOptions::inputs({teacher, general.teacher, general.masked_lm, augment.masked_lm});
  files.insert(files.end(), general.texts.begin(), general.texts.end());
  if (!augment.word_vectors.empty()) files.emplace_back(augment.word_vectors);
  return files;
}

models::EncoderConfig TinybertOptions::student_config(models::EncoderConfig config) const {
  config.num_hidden_layers = layers;
  config.hidden_size = config.embedding_size = width;
  config.intermediate_size = intermediate_size;
  config.original = Json::object();
  if (width % config.num_attention_heads != 0)
    user_fail("width", "expected a multiple of the teacher's {} attention heads but received {}",
              config.num_attention_heads, width);
  return config;
}

MaskedLmDataOptions TinybertOptions::masked_lm_data(bool of_distilbert) const {
  MaskedLmDataOptions data{.texts = general.texts, .field = general.field, .text = general.text};
  if (of_distilbert) data.masking = DistilbertOptions().data.masking;
  return data;
}

void TinybertOptions::plan_trainings(EncoderPlan& plan) const {
  PlannedTraining prediction = planned_tuning(*this, teacher, precision);
  const models::EncoderConfig whole = prediction.config;
  models::EncoderConfig wide = whole;
  wide.num_hidden_layers = layers;
  const auto tokenizer = text::Tokenizer::from_folder(teacher);
  plan.add_teacher(prediction, teacher);
  prediction.config = student_config(whole);
  PlannedTraining by_layers = prediction, plain = prediction;
  by_layers.work = planned_texts(prediction.work->examples);
  by_layers.train = intermediate;
  by_layers.taught_by(whole);
  if (!general.texts.empty()) {
    const auto corpus = data::read_corpus(general.texts, general.field);
    plain.work = planned_texts(
        data::cut_texts(corpus.texts, *tokenizer, general.text, whole.context(), "general.texts").examples);
    plain.train = general.train;
    plain.runs = 1;
    plain.taught_by(encoder_config_in(general_teacher()));
  }
  const auto variants = static_cast<double>(augment.substitution.variants);
  const auto rows = static_cast<std::size_t>(static_cast<double>(prediction.work->examples.size()) * (1 + variants));
  const std::size_t texts = general.texts.empty() ? 0 : plain.work->examples.size();
  const TinybertSteps steps = tinybert_steps(*this, texts, rows);
  const auto pretraining = [&](const TinybertArm& arm) {
    if (arm.start == Start::kLayers) return plain;
    const bool distilled = arm.start == Start::kDistilbert;
    PlannedTraining training =
        planned_masked_lm(masked_lm_data(distilled), *tokenizer, distilled ? wide : prediction.config, general.train,
                          precision, distilled);
    training.train.max_steps = steps.general;
    if (distilled) training.taught_by(encoder_config_in(masked_lm_teacher()));
    return training;
  };
  bool as_full = false;
  for (const TinybertArm& arm : tinybert_arms()) {
    if (!has(arm.name)) continue;
    const bool same = arm.has_all_losses();
    if (arm.general && texts > 0 && !(same && as_full))
      plan.add(pretraining(arm), fmt::format("{}, general", same ? "full" : arm.name));
    as_full = as_full || (arm.general && same);
    by_layers.variants = prediction.variants = arm.augmented ? variants : 0;
    by_layers.train.max_steps = steps.of_layers(arm);
    prediction.train.max_steps = steps.of_prediction(arm);
    if (arm.learns_layers()) plan.add(by_layers, fmt::format("{}, layers", arm.name));
    PlannedTraining& last = plan.add(prediction, arm.name);
    if (arm.start == Start::kDistilbert || arm.start == Start::kFirstBlocks) last.config = wide;
    if (arm.learns == Learns::kPatiently) last.taught_by(whole);
  }
}

}  // namespace limbeck::recipes
