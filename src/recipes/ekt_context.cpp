#include "recipes/ekt_context.h"

#include <algorithm>
#include <cmath>  // std::llround
#include <numeric>
#include <unordered_map>

#include "base/errors.h"
#include "base/json.h"
#include "base/records.h"
#include "recipes/student.h"
#include "synthesis/draw.h"
#include "synthesis/prompts.h"
#include "synthesis/selection.h"
#include "teachers/open.h"

namespace limbeck::recipes {
namespace {

// Problems that do not overlap the test set; the others go to `dropped`.
std::vector<synthesis::Problem> clean_problems(std::vector<synthesis::Problem> problems,
                                               const synthesis::TestSet& test_set,
                                               std::vector<DroppedProblem>& dropped) {
  std::erase_if(problems, [&](const synthesis::Problem& problem) {
    const auto overlap = test_set.overlap(problem.question);
    if (overlap) dropped.push_back({problem.id, *overlap});
    return overlap.has_value();
  });
  return problems;
}

void expect_clean(const std::vector<synthesis::WorkedExample>& examples, const synthesis::TestSet& test_set,
                  const std::string& file) {
  std::vector<std::string> mistakes;
  for (std::size_t i = 0; i < examples.size(); ++i)
    if (const auto overlap = test_set.overlap(examples[i].question))
      mistakes.push_back(fmt::format("[{}] worked example {}: {}", file, i + 1, *overlap));
  if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
}

}  // namespace

EktContext::EktContext(const EktOptions& options, const Run& run) : options(options), run(run) {
  test = synthesis::read_problems(options.test_problems);
  examples = synthesis::read_examples(options.examples);
  test_set = std::make_unique<synthesis::TestSet>(test, options.decontamination);
  expect_clean(examples, *test_set, options.examples);
  train = clean_problems(synthesis::read_problems(options.problems), *test_set, dropped);
  if (train.empty())
    user_fail(options.problems, "expected training problems but every one of them overlaps the test set");
  split_off_dev();
  judge = sandbox::Judge::open({.limits = options.limits, .check = options.check});
  if (!options.references.empty()) read_references();
}

// Programs that do not give the right answer are no references.
void EktContext::read_references() {
  std::unordered_map<std::string, const synthesis::Problem*> by_id;
  for (const auto& problem : test) by_id.emplace(problem.id, &problem);
  std::vector<sandbox::Program> programs;
  std::vector<const synthesis::Problem*> problems;
  read_records(options.references, [&](const Json& row, int64_t line) {
    const std::string where = fmt::format("{}:{}", options.references, line);
    const auto problem = by_id.find(field<std::string>(row, "id", where));
    if (problem == by_id.end()) return;  // of a question that is not in this test set
    problems.push_back(problem->second);
    programs.push_back({field<std::string>(row, "program", where), problem->second->answer});
  });
  const auto verdicts = judge->judge(programs);
  for (std::size_t i = 0; i < programs.size(); ++i)
    if (verdicts[i].outcome == sandbox::Outcome::kPassed) references.emplace_back(*problems[i], programs[i].source);
  if (references.empty())
    user_fail(options.references, "expected programs that give the right answers of test questions but received none");
}

void EktContext::split_off_dev() {
  const auto num_dev = static_cast<std::size_t>(std::llround(options.dev_fraction * static_cast<double>(train.size())));
  std::vector<std::size_t> order(train.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(run.seed().derive("dev"));
  random.shuffle(order);
  std::vector<bool> held_out(train.size(), false);
  for (std::size_t i = 0; i < num_dev; ++i) held_out[order[i]] = true;
  std::vector<synthesis::Problem> rest;
  for (std::size_t i = 0; i < train.size(); ++i) (held_out[i] ? dev : rest).push_back(std::move(train[i]));
  train = std::move(rest);
}

std::unique_ptr<teachers::Teacher> EktContext::open_teacher(const std::string& source,
                                                            const std::filesystem::path& answers) const {
  return teachers::open_teacher(source,
                                {.batch = {.max_batch = options.batch.max_batch, .precision = options.precision},
                                 .answers = answers,
                                 .missing = options.missing_samples});
}

teachers::Teacher& EktContext::teacher() {
  if (!teacher_) teacher_ = open_teacher(options.teacher, run.path("answers.jsonl"));
  return *teacher_;
}

models::Pretrained EktContext::student() const {
  return load_student(options.student.empty() ? options.teacher : options.student, options.student_layers);
}

std::vector<synthesis::JudgedSample> EktContext::sample(const Sampled& sampled) const {
  std::filesystem::create_directories(sampled.file.parent_path());
  synthesis::Selector selector(options.selection, test_set.get());
  const synthesis::Draw draw{
      .label = sampled.label,
      .problems = sampled.problems,
      .num_samples = options.k,
      .prompt = sampled.prompt,
      .sampling = options.sampling,
      .batch = {.max_batch = options.batch.max_batch, .precision = options.precision},
      .truncation = options.truncation,
      .seed = sampled.seed,
      .decide = [&](const synthesis::Problem& problem, std::span<synthesis::JudgedSample> of_problem) {
        selector.decide(problem, of_problem);
      }};
  return synthesis::draw_samples(draw, sampled.source, *judge, sampled.file);
}

void EktContext::draw_teacher_samples() {
  samples = sample({.label = "teacher's samples",
                    .problems = train,
                    .prompt = [this](const synthesis::Problem& problem) { return few_shot(problem); },
                    .source = [this]() -> teachers::Teacher& { return teacher(); },
                    .seed = run.seed().derive("samples"),
                    .file = run.path("samples.jsonl")});
}

std::vector<synthesis::JudgedSample> EktContext::samples_of(const std::string& teacher, const std::string& label,
                                                            const std::filesystem::path& file) const {
  std::unique_ptr<teachers::Teacher> opened;
  return sample({.label = label,
                 .problems = train,
                 .prompt = [this](const synthesis::Problem& problem) { return few_shot(problem); },
                 .source = [&]() -> teachers::Teacher& {
                   if (!opened) opened = open_teacher(teacher, file.parent_path() / "answers.jsonl");
                   return *opened;
                 },
                 .seed = run.seed().derive("samples"),
                 .file = file});
}

std::string EktContext::few_shot(const synthesis::Problem& problem) const {
  return synthesis::few_shot_prompt(examples, problem.question);
}

std::string EktContext::zero_shot(const synthesis::Problem& problem) {
  return synthesis::zero_shot_prompt(problem.question);
}

Solving EktContext::solving(const std::string& label, const std::vector<synthesis::Problem>& problems) const {
  return {.label = label,
          .problems = problems,
          .options = options.eval,
          .sampling = options.sampling,
          .batch = {.max_batch = options.batch.max_batch, .precision = options.precision},
          .truncation = options.truncation,
          .seed = run.seed().derive("evaluation")};
}

Solved EktContext::solve_test(const std::string& label, const std::function<const models::Pretrained&()>& source,
                              const std::function<std::string(const synthesis::Problem&)>& prompt,
                              const std::filesystem::path& folder) const {
  Solving on_test = solving(label, test);
  on_test.prompt = prompt;
  return solve(on_test, source, *judge, folder);
}

Solved EktContext::solve_test(const std::string& label, const std::function<teachers::Teacher&()>& source,
                              const std::function<std::string(const synthesis::Problem&)>& prompt,
                              const std::filesystem::path& folder) const {
  Solving on_test = solving(label, test);
  on_test.prompt = prompt;
  return solve(on_test, source, *judge, folder);
}

}  // namespace limbeck::recipes
