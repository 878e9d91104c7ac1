#include "generate/session.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "generate/tiny_model.h"

namespace limbeck::generate {
namespace {

TEST(SessionTest, AnswersAsGenerateDoesAndComputesOnlyWhatIsNew) {
  const models::Pretrained source = tiny_model();
  const SamplingOptions sampling{.max_new_tokens = 12, .temperature = 0};
  Session session(source, Precision::kFp32);
  std::vector<int32_t> said(20, 65);
  for (int turn = 0; turn < 3; ++turn) {
    const std::size_t before = said.size();
    const Sample answer = session.answer(said, sampling, Seed(1), [](std::string_view) { return true; });
    const auto fresh = samples_of(source, {{.ids = said}}, sampling, {.precision = Precision::kFp32}).at({0, 0});
    EXPECT_EQ(answer.ids, fresh.ids);
    EXPECT_EQ(answer.text, fresh.text);
    EXPECT_NEAR(answer.log_prob, fresh.log_prob, 1e-4);
    EXPECT_GE(session.num_reused(), static_cast<int64_t>(before));
    said.insert(said.end(), answer.ids.begin(), answer.ids.end());
    said.insert(said.end(), {66, 67, 68});
  }
}

TEST(SessionTest, ForgetsWhatTheNewConversationDoesNotShare) {
  const models::Pretrained source = tiny_model();
  const SamplingOptions sampling{.max_new_tokens = 6, .temperature = 0};
  const auto ignore = [](std::string_view) { return true; };
  Session session(source, Precision::kFp32), other(source, Precision::kFp32);
  session.answer(std::vector<int32_t>(300, 1), sampling, Seed(1), ignore);
  std::vector<int32_t> second(250, 1);
  second.resize(270, 9);
  EXPECT_EQ(session.answer(second, sampling, Seed(1), ignore).ids, other.answer(second, sampling, Seed(1), ignore).ids);
}

TEST(SessionTest, ShowsTheTextPieceByPieceAndStopsWhenTold) {
  const models::Pretrained source = tiny_model();
  const SamplingOptions sampling{.max_new_tokens = 30, .temperature = 1.5};
  Session session(source, Precision::kFp32);
  std::string text;
  const std::vector<int32_t> ids = {1, 2, 3};
  const Sample whole =
      session.answer(ids, sampling, Seed(1), [&](std::string_view piece) { return text += piece, true; });
  EXPECT_EQ(text, whole.text);
  int calls = 0;
  const Sample cut = session.answer(ids, sampling, Seed(1), [&](std::string_view) { return ++calls < 5; });
  EXPECT_EQ(cut.ids, std::vector<int32_t>(whole.ids.begin(), whole.ids.begin() + 5));
  EXPECT_EQ(cut.finish, Finish::kStop);
}

TEST(SessionTest, SaysWhenAConversationDoesNotFit) {
  Session session(tiny_model(), Precision::kFp32);
  const auto ignore = [](std::string_view) { return true; };
  EXPECT_THROW(session.answer(std::vector<int32_t>(391, 1), {.max_new_tokens = 10}, Seed(1), ignore), UserError);
  EXPECT_THROW(session.answer({}, {.max_new_tokens = 10}, Seed(1), ignore), UserError);
  EXPECT_EQ(session.answer(std::vector<int32_t>(390, 1), {.max_new_tokens = 10, .temperature = 0}, Seed(1), ignore)
                .ids.size(),
            10u);
}

}  // namespace
}  // namespace limbeck::generate
