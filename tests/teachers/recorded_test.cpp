#include "teachers/recorded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck::teachers {
namespace {

using ::testing::HasSubstr;

class RecordedSamples : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& text) const {
    write_file_atomically(folder_ / "r.jsonl", text);
    return folder_ / "r.jsonl";
  }
  static std::map<std::pair<int64_t, int64_t>, generate::Sample> drawn(Teacher& teacher,
                                                                       const std::vector<Question>& questions) {
    std::map<std::pair<int64_t, int64_t>, generate::Sample> samples;
    teacher.sample(questions, {}, [&](generate::Sample sample) {
      EXPECT_TRUE(samples.emplace(std::pair(sample.prompt_index, sample.sample_index), sample).second);
    });
    return samples;
  }
  TemporaryFolder folder_;
};

TEST_F(RecordedSamples, AreFoundByIdInTheOrderOfTheFileOrByTheirNumber) {
  const auto teacher = recorded_teacher(file(R"({"id":"a","text":"first"}
{"id":"b","sample":1,"text":"later","finish":"length"}
{"id":"a","text":"second"}
{"id":"b","sample":0,"text":"sooner","finish":"stop","program":"more fields do not matter"}
)"));
  const auto samples =
      drawn(*teacher, {{.id = "b", .num_samples = 2}, {.id = "a", .num_samples = 1, .first_sample = 1}});
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples.at({0, 0}).text, "sooner");
  EXPECT_EQ(samples.at({0, 0}).finish, generate::Finish::kStop);
  EXPECT_EQ(samples.at({0, 1}).text, "later");
  EXPECT_EQ(samples.at({0, 1}).finish, generate::Finish::kLength);
  EXPECT_EQ(samples.at({1, 1}).text, "second");
  EXPECT_TRUE(std::isnan(samples.at({1, 1}).log_prob));
  EXPECT_EQ(teacher->model(), nullptr);
}

TEST_F(RecordedSamples, TooFewOfThemAreRefusedByIdBeforeAnyIsHandedOut) {
  const auto teacher = recorded_teacher(file("{\"id\":\"a\",\"text\":\"x\"}\n"));
  const std::string said = message_of<UserErrors>([&] {
    teacher->sample(std::vector<Question>{{.id = "a", .num_samples = 3}, {.id = "c"}}, {},
                    [](const generate::Sample&) { ADD_FAILURE() << "a sample was handed out"; });
  });
  EXPECT_THAT(said, HasSubstr("expected 3 samples of 'a' but found 1"));
  EXPECT_THAT(said, HasSubstr("expected 1 samples of 'c' but found 0"));
}

TEST_F(RecordedSamples, WhatIsMissingCanBeEmptyTexts) {
  const auto teacher = recorded_teacher(file("{\"id\":\"a\",\"text\":\"x\"}\n"), Missing::kEmpty);
  const auto samples = drawn(*teacher, {{.id = "a", .num_samples = 2}, {.id = "c"}});
  EXPECT_EQ(samples.at({0, 0}).text, "x");
  EXPECT_EQ(samples.at({0, 1}).text, "");
  EXPECT_EQ(samples.at({1, 0}).text, "");
}

TEST_F(RecordedSamples, ASampleThatComesTwiceIsTakenOnceAndTwoTextsForOneAreAMistake) {
  const auto teacher = recorded_teacher(
      file("{\"id\":\"a\",\"sample\":0,\"text\":\"x\"}\n{\"id\":\"a\",\"sample\":0,\"text\":\"x\"}\n"));
  EXPECT_EQ(drawn(*teacher, {{.id = "a"}}).size(), 1u);
  EXPECT_THAT(message_of<UserErrors>([&] {
                recorded_teacher(
                    file("{\"id\":\"a\",\"sample\":0,\"text\":\"x\"}\n{\"id\":\"a\",\"sample\":0,\"text\":\"y\"}\n"));
              }),
              HasSubstr("r.jsonl:2] sample 0 of 'a' stands in this file before, with another text"));
}

TEST_F(RecordedSamples, EveryLineThatIsNoSampleIsNamed) {
  const std::string said = message_of<UserErrors>([&] {
    recorded_teacher(file(R"({"id":"a"}
{"text":"x"}
{"id":"a","text":3}
{"id":"a","text":"x","sample":-1}
{"id":"a","text":"x","finish":"perhaps"}
{"id":"a","text":"x","sample":9223372036854775807}
{"id":"a","first":9223372036854775807,"choices":[{"text":"x","finish":"stop"},{"text":"y","finish":"stop"}]}
)"));
  });
  for (int line = 1; line <= 7; ++line) EXPECT_THAT(said, HasSubstr("r.jsonl:" + std::to_string(line)));
  EXPECT_THAT(message_of<UserError>([&] { recorded_teacher(file("\n")); }), HasSubstr("empty file"));
}

}  // namespace
}  // namespace limbeck::teachers
