#include "recipes/solving.h"

#include <algorithm>

#include "teachers/local.h"

namespace limbeck::recipes {
namespace {

synthesis::Draw draw_of(const Solving& solving) {
  synthesis::Draw draw{.label = solving.label,
                       .problems = {solving.problems.begin(), solving.problems.end()},
                       .num_samples = solving.options.num_samples,
                       .prompt = solving.prompt,
                       .sampling = solving.sampling,
                       .batch = solving.batch,
                       .truncation = solving.truncation,
                       .seed = solving.seed};
  draw.sampling.temperature = solving.options.temperature;
  draw.decide = [](const synthesis::Problem&, std::span<synthesis::JudgedSample> samples) {
    for (auto& sample : samples) {
      sample.kept = sample.passed();
      sample.reason = sandbox::name_of(sample.verdict.outcome);
    }
  };
  return draw;
}

void add_figures(Solved& solved, const Solving& solving) {
  const evaluation::BootstrapOptions bootstrap{
      .resamples = solving.options.resamples, .seed = Seed(1), .groups = synthesis::group_numbers(solving.problems)};
  if (!solved.accuracy_each.empty())
    solved.figures.emplace_back("accuracy", evaluation::bootstrap_mean(solved.accuracy_each, bootstrap));
  for (const int64_t k : solving.options.ks)
    solved.figures.emplace_back(fmt::format("pass@{}", k), evaluation::pass_at_k(solved.tallies, k, bootstrap));
  solved.figures.emplace_back("executable", evaluation::executable_rate(solved.tallies, bootstrap));
}

}  // namespace

void SolvingOptions::describe(Fields& f) {
  f("num_samples", num_samples, "programs drawn for a test problem (n of pass@k)", at_least(1));
  f("ks", ks, "which pass@k are reported", at_least(1));
  f("temperature", temperature, "of the programs drawn for pass@k", at_least(0));
  f("greedy", greedy, "also draw one greedy program a problem and report its accuracy");
  f("resamples", resamples,
    "bootstrap resamples of the problems (of their groups, where they have some) behind each 95% interval",
    at_least(1));
  f.check([this]() -> std::optional<std::string> {
    for (const int64_t k : ks)
      if (k > num_samples)
        return fmt::format("eval.ks: pass@{} needs at least {} samples but num_samples is {}", k, k, num_samples);
    return std::nullopt;
  });
}

Solved solve(const Solving& solving, const std::function<const models::Pretrained&()>& source, sandbox::Judge& judge,
             const std::filesystem::path& folder) {
  const auto teacher = teachers::local_teacher(solving.label, source, solving.batch);
  return solve(
      solving, [&]() -> teachers::Teacher& { return *teacher; }, judge, folder);
}

Solved solve(const Solving& solving, const std::function<teachers::Teacher&()>& source, sandbox::Judge& judge,
             const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  synthesis::Draw draw = draw_of(solving);
  Solved solved;
  solved.samples = synthesis::draw_samples(draw, source, judge, folder / "samples.jsonl");
  if (solving.options.greedy) {
    draw.num_samples = 1;
    draw.sampling.temperature = 0;
    draw.label += " (greedy)";
    solved.greedy = synthesis::draw_samples(draw, source, judge, folder / "greedy.jsonl");
    for (const auto& sample : solved.greedy) solved.accuracy_each.push_back(sample.passed() ? 1 : 0);
  }
  solved.tallies.resize(solving.problems.size());
  for (std::size_t i = 0; i < solved.samples.size(); ++i) {
    evaluation::count(solved.tallies[i / static_cast<std::size_t>(solving.options.num_samples)],
                      solved.samples[i].verdict);
    solved.mean_lines += static_cast<double>(evaluation::num_lines(solved.samples[i].program));
  }
  solved.mean_lines /= static_cast<double>(std::max<std::size_t>(1, solved.samples.size()));
  add_figures(solved, solving);
  return solved;
}

}  // namespace limbeck::recipes
