// Logit distillation between small Llamas: the definition, what it must not depend on, and that the student comes near.
#include "recipes/distil.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/message_of.h"
#include "base/progress.h"
#include "base/temporary_folder.h"
#include "data/byte_tokenizer.h"
#include "recipes/sft.h"
#include "recipes/step_gradient.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

// Another depth, width and more rows of vocabulary than the student's 61.
std::shared_ptr<models::LanguageModel> small_teacher(Precision precision = Precision::kFp32) {
  auto teacher = models::small_model({{"hidden_size", 48}, {"num_hidden_layers", 4}, {"vocab_size", 64}});
  teacher->freeze(precision);
  return teacher;
}

at::Tensor log_probs_of(models::LanguageModel& model, const std::vector<int32_t>& ids, double temperature) {
  const at::NoGradGuard no_grad;
  const auto logits = models::logits_of_document(model, models::ids_tensor({ids.begin(), ids.end()}));
  return at::log_softmax(logits.to(at::kDouble).narrow(1, 0, 61) / temperature, 1);
}

TEST(DistilStep, IsTheMeanDivergencePlusTheMeanNegativeLogProbability) {
  auto student = models::small_model();
  const auto teacher = small_teacher();
  const auto examples = texts(6);
  double kl = 0, hard = 0, count = 0;
  for (const auto& example : examples) {
    const auto log_p = log_probs_of(*teacher, example.ids, 2), log_q = log_probs_of(*student, example.ids, 2),
               exact = log_probs_of(*student, example.ids, 1);
    for (std::size_t t = 1; t < example.ids.size(); ++t) {
      if (example.weights[t] == 0) continue;
      const auto row = static_cast<int64_t>(t) - 1;
      kl += (log_p[row].exp() * (log_p[row] - log_q[row])).sum().item<double>();
      hard -= exact[row][example.ids[t]].item<double>();
      ++count;
    }
  }
  const DistilOptions options{.temperature = 2, .weight = 0.8, .cross_entropy = 0.3, .temperature_squared = true};
  const double expected = (0.8 * 4 * kl + 0.3 * hard) / count;
  const auto step = distil_step(*student, *teacher, Precision::kFp32, options);
  EXPECT_NEAR(mean_loss(step, examples), expected, 3e-6 * expected);
  EXPECT_NEAR(gradient_of(*student, examples, 100000, step).loss, expected, 3e-6 * expected);
}

TEST(DistilStep, DoesNotDependOnHowABatchIsPackedAndCutNorOnPadding) {
  for (const auto divergence : {objectives::Divergence::kForwardKl, objectives::Divergence::kReverseKl,
                                objectives::Divergence::kJensenShannon}) {
    auto student = models::small_model();
    const auto teacher = small_teacher();
    const auto step = distil_step(*student, *teacher, Precision::kFp32, {.divergence = divergence, .temperature = 1.5});
    const auto examples = texts(12);
    const auto packed = gradient_of(*student, examples, 100000, step);
    for (const int64_t tokens : {1, 40, 100})
      expect_same(gradient_of(*student, examples, tokens, step), packed, 2e-6, "cut");
    auto others = examples;
    std::reverse(others.begin(), others.end());
    for (auto& example : others) {
      example.ids.resize(40, 2);
      example.weights.resize(40, 0);
    }
    expect_same(gradient_of(*student, others, 100000, step), packed, 2e-6, "padded to 40, in another order");
  }
}

TEST(DistilStep, TeachesWhatTheTeacherPredictsBehindWhatItWasShown) {
  auto student = models::small_model();
  const auto teacher = small_teacher();
  auto examples = texts(4, 12);
  for (std::size_t i = 0; i < examples.size(); ++i) examples[i].index = static_cast<int64_t>(i);
  const auto shown = [](int64_t index) {
    return Shown{.prefix = std::vector<int32_t>(static_cast<std::size_t>(3 + index), 7), .dropped = 1};
  };
  double kl = 0, count = 0;
  for (const auto& example : examples) {
    std::vector<int32_t> long_text = shown(example.index).prefix;
    const auto before = static_cast<int64_t>(long_text.size()) - 1;
    long_text.insert(long_text.end(), example.ids.begin() + 1, example.ids.end());
    const auto log_p = log_probs_of(*teacher, long_text, 1), log_q = log_probs_of(*student, example.ids, 1);
    for (std::size_t t = 1; t < example.ids.size(); ++t) {
      if (example.weights[t] == 0) continue;
      const auto row = static_cast<int64_t>(t) - 1;
      const auto p = log_p[row + before];
      kl += (p.exp() * (p - log_q[row])).sum().item<double>();
      ++count;
    }
  }
  const auto step = distil_step(*student, *teacher, Precision::kFp32, {.cross_entropy = 0}, shown);
  EXPECT_NEAR(mean_loss(step, examples), kl / count, 3e-6 * kl / count);
  for (const int64_t tokens : {1, 20})
    expect_same(gradient_of(*student, examples, tokens, step), gradient_of(*student, examples, 100000, step), 2e-6,
                "cut");
}

TEST(DistilStep, StaysNearFp32InBf16) {
  auto student = models::small_model();
  const auto exact_teacher = small_teacher(), low_teacher = small_teacher(Precision::kBf16);
  const auto examples = texts(12);
  const auto exact =
      gradient_of(*student, examples, 100000, distil_step(*student, *exact_teacher, Precision::kFp32, {}));
  const auto low = gradient_of(*student, examples, 100000, distil_step(*student, *low_teacher, Precision::kBf16, {}));
  expect_same(low, exact, 0.03, "bf16");
  EXPECT_NE(low.loss, exact.loss) << "bf16 was not used";
}

TEST(DistilFit, BringsTheStudentNearTheTeacherWithTheSameBytesEveryTime) {
  Progress::be_quiet(true);
  const auto teacher = small_teacher();
  const auto examples = texts(8, 12);
  const DistilOptions options{.cross_entropy = 0};
  std::vector<at::Tensor> first;
  for (int round = 0; round < 2; ++round) {
    TemporaryFolder folder;
    auto student = models::small_model();
    const auto step = distil_step(*student, *teacher, Precision::kFp32, options);
    const double before = mean_loss(step, examples);
    train::Hooks hooks;
    train::fit(trainable(*student), examples, step,
               {.epochs = 25, .batch_size = 4, .learning_rate = 5e-3, .warmup_steps = 5},
               Run::open(folder / "run", "distil", "", {}, Seed(1)), hooks);
    EXPECT_LT(mean_loss(step, examples), 0.3 * before);
    const auto parameters = models::parameters_of(*student);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (round == 0)
        first.push_back(parameters[i].tensor->detach().clone());
      else
        EXPECT_TRUE(first[i].equal(*parameters[i].tensor)) << parameters[i].name;
    }
  }
}

TEST(ExpectSameVocabulary, RefusesATeacherOfAnotherVocabulary) {
  const models::Pretrained student{.model = nullptr, .tokenizer = byte_tokenizer(), .eos_ids = {}};
  EXPECT_NO_THROW(expect_same_vocabulary(student, student));
  text::TokenizerSpec spec = byte_tokenizer()->spec();
  std::swap(spec.tokens['a'], spec.tokens['b']);
  const models::Pretrained other{.model = nullptr, .tokenizer = text::Tokenizer::from_spec(spec), .eos_ids = {}};
  EXPECT_THAT(message_of<UserError>([&] { expect_same_vocabulary(student, other); }),
              HasSubstr("token 97 is 'a' in the first and 'b' in the second (2 of 257 differ)"));
}

TEST(ExpectReadable, RefusesTextsThatTheTeacherCannotRead) {
  const auto teacher = small_teacher();
  EXPECT_NO_THROW(expect_readable(*teacher, {{.ids = {1, 63}, .weights = {1, 1}}}, "pairs"));
  const std::string message = message_of<UserErrors>([&] {
    expect_readable(
        *teacher, {{.ids = {1, 64}, .weights = {1, 1}}, {.ids = std::vector<int32_t>(65, 1), .weights = {}}}, "pairs");
  });
  EXPECT_THAT(message, HasSubstr("[pairs] text 1: expected tokens below 64, which the teacher has, but received 64"));
  EXPECT_THAT(message, HasSubstr("[pairs] text 2: expected at most 64 tokens"));
}

}  // namespace
}  // namespace limbeck::recipes
