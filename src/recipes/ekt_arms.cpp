#include "recipes/ekt_arms.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>

#include "base/errors.h"
#include "evaluation/likelihood.h"
#include "recipes/ekt_train.h"
#include "synthesis/prompts.h"
#include "teachers/open.h"

namespace limbeck::recipes {
namespace {

using Prompt = std::function<std::string(const synthesis::Problem&)>;

// Loads a model once, when it is first asked for, and freezes it.
class Lazy {
 public:
  Lazy(std::function<models::Pretrained()> load, Precision precision) : load_(std::move(load)), precision_(precision) {}
  const models::Pretrained& operator()() {
    if (!model_) {
      model_ = load_();
      model_->model->freeze(precision_);
    }
    return *model_;
  }

 private:
  std::function<models::Pretrained()> load_;
  Precision precision_;
  std::optional<models::Pretrained> model_;
};

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
    std::vector<evaluation::ScoredText> texts;
    for (const auto& [problem, program] : context.references) {
      std::vector<int32_t> ids = synthesis::encode_prompt(*model.tokenizer, prompt(problem));
      const auto num_prompt = static_cast<int64_t>(ids.size());
      const auto completion = model.tokenizer->encode_ordinary(synthesis::completion_of(program));
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

ArmResult measure(EktContext& context, const Run& run, const std::string& label, Lazy source, const Prompt& prompt) {
  const auto model = [&]() -> const models::Pretrained& { return source(); };
  ArmResult result{.solved = context.solve_test(label, model, prompt, run.path("test"))};
  result.nll = measure_nll(context, model, prompt, run.path("likelihood.json"));
  result.folder = run.folder();
  return result;
}

ArmResult run_few_shot(EktContext& context, const Run& run) {
  return measure(context, run, "few-shot student", Lazy([&] { return context.student(); }, context.options.precision),
                 [&](const synthesis::Problem& problem) { return context.few_shot(problem); });
}

ArmResult train_and_measure(EktContext& context, const Run& run, const std::string& label,
                            std::vector<TrainingPair> pairs, const std::filesystem::path& model_folder) {
  write_file_atomically(run.path("pairs.jsonl"), [&](const Sink& sink) {
    for (const auto& pair : pairs) sink(to_line({{"question", pair.question}, {"program", pair.program}}) + "\n");
  });
  train_student(context, pairs, run, model_folder);
  ArmResult result = measure(context, run, label,
                             Lazy([&] { return models::load_pretrained(model_folder); }, context.options.precision),
                             EktContext::zero_shot);
  result.pairs = std::move(pairs);
  return result;
}

ArmResult run_unfiltered(EktContext& context, const Run& run) {
  return train_and_measure(context, run, "unfiltered student",
                           unverified_pairs(context, verified_pairs(context).size()), run.path("model"));
}

ArmResult run_verified(EktContext& context, const Run& run) {
  return train_and_measure(context, run, "EKT student", verified_pairs(context), context.run.path("model"));
}

}  // namespace

const std::vector<Arm>& ekt_arms() {
  static const std::vector<Arm> list = {
      {"few_shot", "Student, few-shot", "not trained; prompted with the worked examples as the teacher is",
       run_few_shot},
      {"unfiltered", "Student, unfiltered", "trained on as many samples that nobody ran", run_unfiltered},
      {"ekt", "Student, EKT", "trained on the programs that gave the right answer", run_verified},
  };
  return list;
}

const Arm* find_arm(std::string_view name) {
  for (const auto& arm : ekt_arms())
    if (arm.name == name) return &arm;
  return nullptr;
}

std::string arm_names_text() {
  std::string text;
  for (const auto& arm : ekt_arms()) text += (text.empty() ? "" : ", ") + arm.name;
  return text;
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
    if (passed != first + static_cast<int64_t>(k)) context.references.emplace_back(context.test[p], passed->program);
  }
  if (teachers::is_local(context.options.teacher))
    result.nll = measure_nll(
        context, [&]() -> const models::Pretrained& { return *context.teacher().model(); }, few_shot,
        run.path("likelihood.json"));
  result.folder = run.folder();
  return result;
}

std::vector<TrainingPair> verified_pairs(const EktContext& context) {
  std::vector<TrainingPair> pairs;
  for (std::size_t i = 0; i < context.samples.size(); ++i)
    if (context.samples[i].kept)
      pairs.push_back(
          {context.train[i / static_cast<std::size_t>(context.options.k)].question, context.samples[i].program});
  return pairs;
}

std::vector<TrainingPair> unverified_pairs(const EktContext& context, std::size_t count) {
  std::vector<std::size_t> order(context.train.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(context.run.seed().derive("unfiltered"));
  random.shuffle(order);
  const auto k = static_cast<std::size_t>(context.options.k);
  std::vector<TrainingPair> pairs;
  for (std::size_t i = 0; i < k * order.size() && pairs.size() < count; ++i) {
    const std::size_t problem = order[i % order.size()];
    const std::string& program = context.samples[problem * k + i / order.size()].program;
    if (!context.test_set->overlap(program)) pairs.push_back({context.train[problem].question, program});
  }
  return pairs;
}

}  // namespace limbeck::recipes
