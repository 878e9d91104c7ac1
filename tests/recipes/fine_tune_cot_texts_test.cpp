#include "recipes/fine_tune_cot_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/errors.h"
#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

TEST(CotPrompts, AreThoseOfThePapers) {
  const synthesis::Problem problem{.id = "p", .question = "How many?"};
  EXPECT_EQ(answer_prompt(problem), "Q: How many?\nA:");
  EXPECT_EQ(reason_prompt(problem), "Q: How many?\nA: Let's think step by step.");
  EXPECT_EQ(student_prompt(problem), "How many? ###");
  EXPECT_EQ(few_shot_cot_prompt({{"One and one?", "It is one more than one.", "2"}}, problem),
            "Q: One and one?\nA: It is one more than one. The answer is 2.\n\nQ: How many?\nA:");
}

TEST(CotText, IsRationaleArrowAnswerOrTheAnswerAlone) {
  EXPECT_EQ((CotText{"p", "because", "4"}.completion()), " because --> 4");
  EXPECT_EQ((CotText{"p", "", "4"}.completion()), " 4");
}

TEST(CotExamples, NameWhatIsMissing) {
  const TemporaryFolder folder;
  const auto file = folder / "examples.jsonl";
  write_file_atomically(file, "{\"question\":\"a\",\"rationale\":\"b\",\"answer\":\"c\"}\n{\"question\":\"a\"}\n");
  EXPECT_THAT(message_of<UserError>([&] { read_cot_examples(file); }), HasSubstr("examples.jsonl:2"));
  write_file_atomically(file, "");
  EXPECT_THAT(message_of<UserError>([&] { read_cot_examples(file); }), HasSubstr("at least one worked example"));
  write_file_atomically(file, "{\"question\":\"a\",\"rationale\":\"b\",\"answer\":\"c\"}\n");
  ASSERT_EQ(read_cot_examples(file).size(), 1u);
  EXPECT_EQ(read_cot_examples(file)[0].rationale, "b");
}

TEST(RationalesOfOthers, AreAllThereAndNoneWithItsOwnQuestion) {
  std::vector<CotText> texts;
  for (int i = 0; i < 17; ++i) texts.push_back({"p" + std::to_string(i), std::to_string(i), "a" + std::to_string(i)});
  const auto mixed = with_rationales_of_others(texts, Seed(3));
  std::set<std::string> rationales;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(mixed[i].prompt, texts[i].prompt);
    EXPECT_EQ(mixed[i].answer, texts[i].answer);
    EXPECT_NE(mixed[i].rationale, texts[i].rationale);
    rationales.insert(mixed[i].rationale);
  }
  EXPECT_EQ(rationales.size(), texts.size());
  EXPECT_EQ(with_rationales_of_others(texts, Seed(3))[5].rationale, mixed[5].rationale);
  EXPECT_TRUE(with_rationales_of_others({}, Seed(3)).empty());
  EXPECT_EQ(with_rationales_of_others({texts[0]}, Seed(3))[0].rationale, "0");
}

}  // namespace
}  // namespace limbeck::recipes
