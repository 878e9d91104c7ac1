#include "recipes/ekt_measure.h"

#include <algorithm>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "evaluation/likelihood.h"
#include "recipes/ekt_pairs.h"
#include "synthesis/prompts.h"
#include "teachers/open.h"
#include "text/continuation.h"

namespace limbeck::recipes {
namespace {

// NLL a token of the reference programs, kept in likelihood.json so that a finished arm loads no model.
std::optional<evaluation::Interval> measure_nll(const EktContext& context,
                                                const std::function<const models::Pretrained&()>& source,
                                                const Prompt& prompt, const std::filesystem::path& file) {
  if (context.references.empty()) return std::nullopt;
  std::vector<synthesis::Problem> problems;
  for (const auto& [problem, program] : context.references) problems.push_back(problem);
  const evaluation::BootstrapOptions bootstrap{.resamples = context.options.eval.resamples,
                                               .groups = synthesis::group_numbers(problems)};
  if (!std::filesystem::exists(file)) {
    const models::Pretrained& model = source();
    const text::Continuation continuation(*model.tokenizer);
    std::vector<evaluation::ScoredText> texts;
    for (const auto& [problem, program] : context.references) {
      std::vector<int32_t> ids = synthesis::encode_prompt(*model.tokenizer, prompt(problem));
      const auto num_prompt = static_cast<int64_t>(ids.size());
      const auto completion =
          continuation.encode(synthesis::completion_of(program), ids.back(), text::Continuation::Special::kText);
      ids.insert(ids.end(), completion.begin(), completion.end());
      texts.push_back({std::move(ids), num_prompt});
    }
    const auto likelihood = evaluation::likelihood(*model.model, texts, bootstrap);
    write_json(file, {{"nll", likelihood.nll}, {"num_tokens", likelihood.num_tokens}});
  }
  const Json stored = read_json(file);
  const auto nll = stored.at("nll").get<std::vector<double>>(),
             num_tokens = stored.at("num_tokens").get<std::vector<double>>();
  return evaluation::bootstrap_ratio(nll, num_tokens, bootstrap);
}

}  // namespace

const models::Pretrained& Lazy::operator()() {
  if (!model_) {
    model_ = load_();
    model_->model->freeze(precision_);
  }
  return *model_;
}

ArmResult measure_teacher(EktContext& context, const Run& run) {
  const Prompt few_shot = [&](const synthesis::Problem& problem) { return context.few_shot(problem); };
  const auto teacher = [&]() -> teachers::Teacher& { return context.teacher(); };
  ArmResult result{.name = "teacher", .title = "Teacher, few-shot"};
  result.solved = context.solve_test("few-shot teacher", teacher, few_shot, run.path("test"));
  const auto k = static_cast<std::size_t>(context.options.eval.num_samples);
  for (std::size_t p = 0; p < context.test.size(); ++p) {
    const auto first = result.solved.samples.begin() + static_cast<int64_t>(p * k);
    const auto passed =
        std::find_if(first, first + static_cast<int64_t>(k), [](const auto& sample) { return sample.passed(); });
    if (context.options.references.empty() && passed != first + static_cast<int64_t>(k))
      context.references.emplace_back(context.test[p], passed->program);
  }
  if (teachers::is_local(context.options.teacher))
    result.nll = measure_nll(
        context, [&]() -> const models::Pretrained& { return *context.teacher().model(); }, few_shot,
        run.path("likelihood.json"));
  result.folder = run.folder();
  return result;
}

ArmResult measure_student(const EktContext& context, const Run& run, const std::string& label, Lazy source,
                          const Prompt& prompt) {
  const auto model = [&]() -> const models::Pretrained& { return source(); };
  ArmResult result{.solved = context.solve_test(label, model, prompt, run.path("test"))};
  result.nll = measure_nll(context, model, prompt, run.path("likelihood.json"));
  result.folder = run.folder();
  return result;
}

ArmResult train_and_measure(const EktContext& context, const Run& run, const std::string& label, const Course& course,
                            const std::filesystem::path& model_folder) {
  write_pairs(run.path("pairs.jsonl"), course.pairs);
  train_student(context, course, run, model_folder);
  ArmResult result = measure_student(
      context, run, label, Lazy([&] { return models::load_pretrained(model_folder); }, context.options.precision),
      EktContext::zero_shot);
  result.pairs = course.pairs;
  return result;
}

}  // namespace limbeck::recipes
