#include "synthesis/samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "synthesis/files.h"

namespace limbeck::synthesis {
namespace {

using ::testing::HasSubstr;

JudgedSample some_sample() {
  JudgedSample sample{.id = "p1",
                      .sample = 3,
                      .program = "answer = 0.1",
                      .text = "\nanswer = 0.1\n\n",
                      .finish = generate::Finish::kStop};
  sample.verdict = {.outcome = sandbox::Outcome::kWrongAnswer,
                    .detail = "expected 2",
                    .answer = 0.1,
                    .type = sandbox::AnswerType::kFloat};
  sample.reason = "wrong_answer";
  return sample;
}

TEST(Samples, ARowReadBackGivesTheSameRow) {
  const std::string line = to_line(to_row(some_sample()));
  EXPECT_EQ(to_line(to_row(from_row(Json::parse(line), "here"))), line);
}

TEST(Samples, TimesAndAddressesStayOutSoThatTheSameRunGivesTheSameBytes) {
  JudgedSample a = some_sample(), b = some_sample();
  a.verdict.seconds = 0.1, b.verdict.seconds = 0.2;
  a.verdict.detail = "TypeError: <function f at 0x7f0123456789>",
  b.verdict.detail = "TypeError: <function f at 0x7fabcdef0123>";
  EXPECT_EQ(to_line(to_row(a)), to_line(to_row(b)));
  a.verdict.detail = "ValueError: 0x10", b.verdict.detail = "ValueError: 0x20";
  EXPECT_NE(to_line(to_row(a)), to_line(to_row(b))) << "short hexadecimal numbers are no addresses";
}

TEST(Samples, AnUnknownVerdictNamesTheLine) {
  const limbeck::testing::TestFolder folder;
  Json row = to_row(some_sample());
  row["verdict"] = "fine";
  const auto path = folder.write("samples.jsonl", to_line(to_row(some_sample())) + "\n" + to_line(row) + "\n");
  const std::string message = limbeck::testing::message_of<UserError>([&] { read_samples(path); });
  EXPECT_THAT(message, HasSubstr("samples.jsonl:2"));
  EXPECT_THAT(message, HasSubstr("'fine'"));
}

}  // namespace
}  // namespace limbeck::synthesis
