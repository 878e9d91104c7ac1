#include "recipes/stored_teacher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "base/progress.h"
#include "base/temporary_folder.h"
#include "data/byte_tokenizer.h"
#include "recipes/sft.h"
#include "recipes/step_gradient.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class StoredTeacher : public testing::Test {
 protected:
  StoredTeacher() {
    teacher_->freeze(Precision::kFp32);
    teachers::LogProbWriter writer(folder_ / "s", {.vocab_size = 61, .k = 61, .tokenizer = std::string(64, 'a')});
    teachers::record_log_probs(*teacher_, taught_texts(examples_), 100, writer, [](int64_t) {});
    teachers::LogProbWriter few(folder_ / "few", {.vocab_size = 61, .k = 8, .tokenizer = std::string(64, 'a')});
    teachers::record_log_probs(*teacher_, taught_texts(examples_), 100, few, [](int64_t) {});
  }
  TemporaryFolder folder_;
  std::vector<data::Example> examples_ = texts(6);
  std::shared_ptr<models::LanguageModel> teacher_ =
      models::small_model({{"hidden_size", 48}, {"num_hidden_layers", 4}});
  std::shared_ptr<models::LanguageModel> student_ = models::small_model();
};

TEST_F(StoredTeacher, OfAllTokensTeachesAsTheTeacherItselfWithinTheStoresSteps) {
  const DistilOptions options{.weight = 0.8, .cross_entropy = 0.3};
  const teachers::LogProbStore store(folder_ / "s");
  const auto stored = gradient_of(*student_, examples_, 1000, distil_step(*student_, store, Precision::kFp32, options));
  const auto live =
      gradient_of(*student_, examples_, 1000, distil_step(*student_, *teacher_, Precision::kFp32, options));
  EXPECT_NEAR(stored.loss, live.loss, 1e-3 * live.loss);
  expect_same(stored, live, 3e-3, "stored and live");
}

TEST_F(StoredTeacher, DoesNotDependOnHowABatchIsCut) {
  const teachers::LogProbStore store(folder_ / "few");
  const auto step = distil_step(*student_, store, Precision::kFp32, {});
  const auto packed = gradient_of(*student_, examples_, 100000, step);
  for (const int64_t tokens : {1, 40})
    expect_same(gradient_of(*student_, examples_, tokens, step), packed, 2e-6, "cut");
}

TEST_F(StoredTeacher, WhatDoesNotFitIsNamedAtOnce) {
  const models::Pretrained student{.model = student_, .tokenizer = byte_tokenizer()};
  const teachers::LogProbStore store(folder_ / "few");
  auto more = texts(9);
  const std::string said = message_of<UserErrors>([&] { expect_fitting(store, student, more, {.temperature = 2}); });
  EXPECT_THAT(said, HasSubstr("forward-kl at temperature 1"));
  EXPECT_THAT(said, HasSubstr("another tokenizer"));
  EXPECT_THAT(said, HasSubstr("of 9 texts are not in the store"));
}

}  // namespace
}  // namespace limbeck::recipes
