#include "teachers/local.h"

#include <gtest/gtest.h>

#include "generate/tiny_model.h"

namespace limbeck::teachers {
namespace {

class Local : public testing::Test {
 protected:
  std::unique_ptr<Teacher> teacher() {
    return local_teacher("a model", [this]() -> const models::Pretrained& { return ++num_asked_, model_; },
                         {.max_batch = 3, .precision = Precision::kFp32});
  }
  models::Pretrained model_ = generate::tiny_model();
  int num_asked_ = 0;
};

TEST_F(Local, GivesTheSamplesThatGenerateGives) {
  const std::vector<Question> questions = {{.id = "a", .prompt = "ab", .num_samples = 3, .seed = Seed(4)},
                                           {.id = "b", .prompt = "cd x", .num_samples = 2, .seed = Seed(5)}};
  const generate::SamplingOptions sampling{.max_new_tokens = 9};
  const auto expected = generate::samples_of(
      model_,
      {{.ids = {259}, .num_samples = 3, .seed = Seed(4)}, {.ids = {260, ' ', 'x'}, .num_samples = 2, .seed = Seed(5)}},
      sampling, {.precision = Precision::kFp32});
  std::size_t num_samples = 0;
  teacher()->sample(questions, sampling, [&](const generate::Sample& sample) {
    const auto& other = expected.at({sample.prompt_index, sample.sample_index});
    EXPECT_EQ(sample.text, other.text);
    EXPECT_EQ(sample.ids, other.ids);
    EXPECT_EQ(sample.log_prob, other.log_prob);
    ++num_samples;
  });
  EXPECT_EQ(num_samples, 5u);
}

TEST_F(Local, LaterSamplesOfAQuestionAreThoseOfACallThatAskedForAll) {
  std::vector<std::string> all(6), rest(6);
  const auto into = [](std::vector<std::string>& texts) {
    return [&texts](const generate::Sample& sample) {
      texts.at(static_cast<std::size_t>(sample.sample_index)) = sample.text;
    };
  };
  Question question{.id = "a", .prompt = "ab", .num_samples = 6, .seed = Seed(4)};
  teacher()->sample({&question, 1}, {.max_new_tokens = 9}, into(all));
  question.num_samples = 2, question.first_sample = 4;
  teacher()->sample({&question, 1}, {.max_new_tokens = 9}, into(rest));
  EXPECT_EQ(rest[4], all[4]);
  EXPECT_EQ(rest[5], all[5]);
  EXPECT_NE(all[4], all[5]);
}

TEST_F(Local, AsksForItsModelWhenItIsNeeded) {
  const auto local = teacher();
  EXPECT_EQ(local->about(), "a model");
  EXPECT_EQ(num_asked_, 0);
  EXPECT_EQ(local->model(), &model_);
  EXPECT_EQ(num_asked_, 1);
}

}  // namespace
}  // namespace limbeck::teachers
