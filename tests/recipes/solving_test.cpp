#include "recipes/solving.h"

#include <gtest/gtest.h>

#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

class Solve : public TinyEkt {
 protected:
  Solved solve_boxes(const std::string& folder) {
    const auto judge = sandbox::Judge::open({.workers = 1});
    models::Pretrained teacher = models::load_pretrained(tiny_teacher_folder());
    teacher.model->freeze(Precision::kFp32);
    const auto problems = synthesis::read_problems(folder_ / "test.jsonl");
    return solve(
        {.label = "test",
         .problems = problems,
         .prompt = [](const synthesis::Problem& p) { return synthesis::few_shot_prompt(kBoxExamples, p.question); },
         .options = options_.eval,
         .sampling = options_.sampling,
         .batch = {.precision = Precision::kFp32},
         .seed = Seed(1)},
        [&]() -> const models::Pretrained& { return teacher; }, *judge, folder_ / folder);
  }
};

TEST_F(Solve, FiguresAreThoseOfTheJudgedSamples) {
  const Solved solved = solve_boxes("a");
  ASSERT_EQ(solved.samples.size(), 18u);
  ASSERT_EQ(solved.greedy.size(), 6u);
  double passed = 0, solved_problems = 0;
  for (std::size_t p = 0; p < 6; ++p) {
    int here = 0;
    for (std::size_t i = 0; i < 3; ++i) here += solved.samples[3 * p + i].passed();
    EXPECT_EQ(solved.tallies[p].num_passed, here);
    passed += here, solved_problems += here > 0;
  }
  ASSERT_EQ(solved.figures.size(), 4u);
  EXPECT_EQ(solved.figures[0].first, "accuracy");
  EXPECT_EQ(solved.figures[1].first, "pass@1");
  EXPECT_DOUBLE_EQ(solved.figures[1].second.value, passed / 18);
  EXPECT_EQ(solved.figures[2].first, "pass@3");
  EXPECT_DOUBLE_EQ(solved.figures[2].second.value, solved_problems / 6);
  EXPECT_EQ(solved.figures[3].first, "executable");
  EXPECT_GT(passed, 0) << "the tiny teacher guesses right one time in three";
}

TEST_F(Solve, GoesOnFromItsFilesToTheSameFigures) {
  const Solved first = solve_boxes("a");
  const std::string whole = read_file(folder_ / "a/samples.jsonl");
  std::filesystem::remove(folder_ / "a/greedy.jsonl");
  write_file_atomically(folder_ / "a/samples.jsonl", whole.substr(0, whole.size() / 3));
  const Solved second = solve_boxes("a");
  EXPECT_EQ(read_file(folder_ / "a/samples.jsonl"), whole);
  for (std::size_t i = 0; i < first.figures.size(); ++i)
    EXPECT_EQ(first.figures[i].second.low, second.figures[i].second.low);
}

}  // namespace
}  // namespace limbeck::recipes
