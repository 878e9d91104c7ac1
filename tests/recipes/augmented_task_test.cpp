#include "recipes/augmented_task.h"

#include <gtest/gtest.h>

#include "recipes/tiny_pretraining.h"

namespace limbeck::recipes {
namespace {

class AugmentedTask : public TinyPretraining {
 protected:
  void SetUp() override {
    TinyPretraining::SetUp();
    std::string rows = "text,label\n";
    for (uint64_t i = 0; i < 12; ++i) rows += sentence(i) + "," + (i % 6 < 3 ? "first" : "second") + "\n";
    write_file_atomically(folder_ / "rows.csv", rows);
    const std::string file = (folder_ / "rows.csv").string();
    reader_ = models::load_encoder(taught_bert());
    ::testing::internal::CaptureStdout();
    task_ = open_task({.source = {.data = {file}, .test = {file}, .text = {"text"}, .label = "label"}},
                      *reader_.tokenizer, reader_.model->config(), Seed(1));
    ::testing::internal::GetCapturedStdout();
    by_.words.masked_lm = taught_bert().string();
    by_.words.candidates = 3;
    by_.words.substitution = {.variants = 2, .share = 0.5};
    by_.precision = Precision::kFp32;
  }
  OpenTask augment() {
    ::testing::internal::CaptureStdout();
    OpenTask larger = augmented_task(task_, reader_, by_, Seed(3));
    said_ = ::testing::internal::GetCapturedStdout();
    return larger;
  }
  models::PretrainedEncoder reader_;
  OpenTask task_;
  AugmentedBy by_;
  std::string said_;
};

TEST_F(AugmentedTask, HasTheRowsWithVariantsToTrainOnAndIsMeasuredOnTheSame) {
  const OpenTask larger = augment();
  EXPECT_GT(larger.train.examples.size(), task_.train.examples.size());
  EXPECT_LE(larger.train.examples.size(), 3 * task_.train.examples.size());
  EXPECT_EQ(larger.train.examples.size(), larger.data.train.rows.size());
  EXPECT_EQ(larger.train.examples.front().ids, task_.train.examples.front().ids);
  EXPECT_EQ(larger.test.examples.size(), task_.test.examples.size());
  EXPECT_EQ(said_.find("with variants: train: "), 0u);
}

TEST_F(AugmentedTask, CutsAVariantThatIsLongerThanAllowed) {
  by_.tokens.max_length = 5;
  for (const data::Example& example : augment().train.examples) EXPECT_LE(example.ids.size(), 5u);
}

TEST_F(AugmentedTask, IsTheTaskItselfWhereARowHasNoVariants) {
  by_.words.substitution.variants = 0;
  EXPECT_EQ(augment().train.examples.size(), task_.train.examples.size());
  EXPECT_EQ(said_, "");
}

}  // namespace
}  // namespace limbeck::recipes
