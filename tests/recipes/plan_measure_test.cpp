#include "recipes/plan_measure.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "data/byte_tokenizer.h"
#include "models/formula_weights.h"
#include "models/language_model.h"

namespace limbeck::recipes {
namespace {

TEST(MeasureSpeeds, RunsBothModelsAndGivesPositiveSpeeds) {
  const TemporaryFolder folder;
  models::save_pretrained(folder / "tiny",
                          *models::small_model({{"vocab_size", 257}, {"eos_token_id", 256}, {"bos_token_id", 256}}),
                          *byte_tokenizer());
  const PlannedModel model{.path = folder / "tiny", .num_parameters = 10'000, .num_layers = 1};
  const PlanSpeeds speeds = measure_speeds({.teacher = model,
                                            .student = model,
                                            .prompt_tokens = 40,
                                            .max_batch = 4,
                                            .arms = {{.name = "trained", .epochs = 1}},
                                            .pair_tokens = 20,
                                            .micro_batch_tokens = 100,
                                            .precision = Precision::kFp32});
  EXPECT_GT(speeds.read, 0);
  EXPECT_GT(speeds.drawn, 0);
  EXPECT_GT(speeds.trained, 0);
  EXPECT_GE(speeds.training_bytes, 0);
}

}  // namespace
}  // namespace limbeck::recipes
