#include "recipes/random_programs.h"

#include <gtest/gtest.h>

#include <set>

namespace limbeck::recipes {
namespace {

using Texts = std::vector<std::string>;

TEST(NumbersIn, AreThoseOfTheQuestionAsAProgramWouldWriteThem) {
  EXPECT_EQ(numbers_in("Ann has 3 bags of 1,200 nuts at $2.50, 007 each."), (Texts{"3", "1200", "2.50", "7"}));
  EXPECT_EQ(numbers_in("It is 12. Then 0.5, or 0."), (Texts{"12", "0.5", "0"}));
  EXPECT_EQ(numbers_in("no numbers, here"), Texts{});
}

std::string rebound(const std::string& program, const std::vector<std::string>& numbers) {
  Random random{Seed(4)};
  return with_numbers(program, numbers, random);
}

TEST(WithNumbers, RebindsTheConstantsAndLeavesTheArithmetic) {
  EXPECT_EQ(rebound("n0 = 3.0\nn1 = 4.0\nt0 = n0 * 100\nanswer = t0 - n1", {"8", "8"}),
            "n0 = 8.0\nn1 = 8.0\nt0 = n0 * 100\nanswer = t0 - n1");
  const std::string either = rebound("a=1\nb = 2\nanswer = a + b", {"30", "40"});
  EXPECT_TRUE(either == "a=30\nb = 40\nanswer = a + b" || either == "a=40\nb = 30\nanswer = a + b") << either;
  EXPECT_EQ(rebound("n0 = 3\nn1 = 4\nn2 = 5\nanswer = n2", {"6"}), "n0 = 6\nn1 = 6\nn2 = 6\nanswer = n2");
}

TEST(WithNumbers, TakesEveryNumberWhereNoLineBindsOne) {
  EXPECT_EQ(rebound("answer = 3 * (4.5 + x2)", {"9"}), "answer = 9 * (9.0 + x2)");
  EXPECT_EQ(rebound("answer = 3", {}), "answer = 3") << "a question without numbers changes nothing";
}

TEST(RandomPrograms, AreOfOtherQuestionsAndDependOnTheSeedAlone) {
  const std::vector<synthesis::Problem> problems = {{.id = "a", .question = "5 and 6?", .answer = 11}};
  const auto teacher = random_programs({{"5 and 6?", "n0 = 1\nanswer = own"}, {"7?", "n0 = 2\nanswer = n0"}}, problems);
  const auto draw = [&](int64_t first, int64_t count) {
    std::vector<std::string> texts;
    const teachers::Question question{
        .id = "a", .prompt = "# 5 and 6?", .num_samples = count, .first_sample = first, .seed = Seed(3)};
    teacher->sample({&question, 1}, {}, [&](const generate::Sample& sample) {
      EXPECT_EQ(sample.sample_index, first + static_cast<int64_t>(texts.size()));
      texts.push_back(sample.text);
    });
    return texts;
  };
  const auto all = draw(0, 40), later = draw(30, 10);
  EXPECT_EQ(std::vector<std::string>(all.begin() + 30, all.end()), later);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()),
            (std::set<std::string>{"\nn0 = 5\nanswer = n0\n", "\nn0 = 6\nanswer = n0\n"}));
}

}  // namespace
}  // namespace limbeck::recipes
