// limbeck eval: what a model can do, with a 95% bootstrap interval. Problems ({"id","question","answer"}): programs are
// drawn and run, pass@k and greedy accuracy. Texts, pairs or messages: negative log-likelihood a token and perplexity.
// Of an encoder: the figures of its task (cli/eval_task.h).
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/records.h"
#include "base/run.h"
#include "cli/eval_task.h"
#include "cli/verbs.h"
#include "data/encode.h"
#include "evaluation/bootstrap.h"
#include "generate/generate.h"
#include "models/language_model.h"
#include "recipes/sft.h"
#include "recipes/solving.h"
#include "sandbox/judge.h"
#include "synthesis/problems.h"
#include "synthesis/prompts.h"

namespace limbeck::cli {
namespace {

enum class Metric { kAuto, kPass, kNll };

struct EvalOptions {
  std::string model, data, examples, out;
  Metric metric = Metric::kAuto;
  Precision precision = Precision::kBf16;
  WeightFormat weights = WeightFormat::kAsPrecision;
  int64_t seed = 1, threads = 0, max_new_tokens = 128, top_k = 0, max_batch = 64;
  double top_p = 1;
  std::vector<std::string> stop;
  recipes::SolvingOptions solving{.num_samples = 20, .ks = {1}};
  synthesis::Truncation truncation;
  sandbox::AnswerCheck check;
  sandbox::Limits limits;
  data::EncodeOptions encode;

  void describe(Fields& f) {
    f("model", model, "Hugging Face folder or GGUF file", Names::kRequiredFileOrFolder);
    f("data", data,
      "records (JSON Lines, CSV, text, also gzip or zstd): problems {id, question, answer}, or texts, pairs or "
      "messages",
      Names::kRequiredFile);
    f("metric", metric, "auto: pass@k for problems, likelihood for texts",
      {{"auto", Metric::kAuto}, {"pass", Metric::kPass}, {"nll", Metric::kNll}});
    f("out", out, "folder for eval.json and the samples; the same line again goes on there; without it, only a table");
    f("examples", examples, "worked examples {question, program}: a few-shot prompt; without it the question alone",
      Names::kFile);
    f("precision", precision, "of the products", {{"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}});
    describe_weights(f, weights);
    f("seed", seed, "of the drawn programs", at_least(0));
    f("threads", threads, "processor threads; 0: one per core", at_least(0)).speed_only = true;
    f("max_new_tokens", max_new_tokens, "longest program in tokens", at_least(1));
    f("top_k", top_k, "draws from the k most likely tokens only; 0: off", at_least(0));
    f("top_p", top_p, "draws from the fewest tokens that have this mass together", within(0, 1));
    f("stop", stop, "a program ends before the first of these texts");
    f("max_batch", max_batch, "sequences decoded together; changes the speed only", at_least(1)).speed_only = true;
    solving.describe(f);
    f.group("truncation", truncation);
    f.group("check", check);
    f.group("limits", limits);
    f.group("texts", encode);
  }
};

struct Figure {
  std::string name;
  evaluation::Interval interval;
};

bool holds_problems(const std::string& path) {
  std::optional<bool> found;
  read_records(path, [&](const Json& row, int64_t) {
    if (!found) found = row.contains("question");
  });
  if (!found) user_fail(path, "expected at least one problem or text but received an empty file");
  return *found;
}

models::Pretrained load_frozen(const EvalOptions& options) {
  models::Pretrained source = models::load_pretrained(options.model);
  source.model->freeze(options.precision, options.weights);
  return source;
}

std::vector<Figure> measure_problems(const EvalOptions& options, const std::filesystem::path& folder, Json& details) {
  const auto problems = synthesis::read_problems(options.data);
  std::vector<synthesis::WorkedExample> examples;
  if (!options.examples.empty()) examples = synthesis::read_examples(options.examples);
  const auto judge = sandbox::Judge::open({.limits = options.limits, .check = options.check});
  std::optional<models::Pretrained> source;
  const recipes::Solving solving{.label = "programs",
                                 .problems = problems,
                                 .prompt =
                                     [&](const synthesis::Problem& problem) {
                                       return examples.empty() ? synthesis::zero_shot_prompt(problem.question)
                                                               : synthesis::few_shot_prompt(examples, problem.question);
                                     },
                                 .options = options.solving,
                                 .sampling = {.max_new_tokens = options.max_new_tokens,
                                              .top_k = options.top_k,
                                              .top_p = options.top_p,
                                              .stop = options.stop},
                                 .batch = {.max_batch = options.max_batch, .precision = options.precision},
                                 .truncation = options.truncation,
                                 .seed = Seed(static_cast<uint64_t>(options.seed)).derive("evaluation")};
  const auto solved = recipes::solve(
      solving,
      [&]() -> const models::Pretrained& {
        if (!source) source = load_frozen(options);
        return *source;
      },
      *judge, folder);
  details["problems"] = problems.size();
  details["mean_program_lines"] = solved.mean_lines;
  std::vector<Figure> figures;
  for (const auto& [name, interval] : solved.figures) figures.push_back({name, interval});
  return figures;
}

std::vector<Figure> measure_texts(const EvalOptions& options, Json& details) {
  const auto rows = data::read_rows(options.data);
  const auto source = load_frozen(options);
  const auto encoded =
      data::encode_rows(rows, *source.tokenizer, recipes::limits_of(source), options.encode, options.data);
  std::vector<double> nll, counts;
  Progress progress("scoring", "texts", static_cast<int64_t>(encoded.examples.size()));
  constexpr std::size_t kTextsAtOnce = 256;
  for (std::size_t begin = 0; begin < encoded.examples.size(); begin += kTextsAtOnce) {
    std::vector<std::vector<int32_t>> ids;
    for (std::size_t i = begin; i < std::min(encoded.examples.size(), begin + kTextsAtOnce); ++i)
      ids.push_back(encoded.examples[i].ids);
    const auto log_probs = generate::score(*source.model, ids);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto& weights = encoded.examples[begin + i].weights;
      double sum = 0, count = 0;
      for (std::size_t t = 1; t < weights.size(); ++t) sum -= weights[t] * log_probs[i][t], count += weights[t];
      nll.push_back(sum), counts.push_back(count);
    }
    progress.set(static_cast<int64_t>(nll.size()));
  }
  progress.finish();
  details["texts"] = nll.size();
  details["tokens"] = encoded.num_targets;
  const auto per_token = evaluation::bootstrap_ratio(nll, counts, {.resamples = options.solving.resamples});
  return {{"nll per token", per_token},
          {"perplexity", {std::exp(per_token.value), std::exp(per_token.low), std::exp(per_token.high)}}};
}

}  // namespace

int verb_eval(const Args& args) {
  if (names_encoder(args)) return eval_task(args);
  EvalOptions options;
  Fields fields = fields_of(options);
  try {
    read_options(fields, "", args);
  } catch (HelpAsked& help) {
    help.text += "\nFor an encoder (--model names its folder):\n\n" + eval_task_help(help.markdown);
    throw;
  }
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  const bool problems =
      options.metric == Metric::kPass || (options.metric == Metric::kAuto && holds_problems(options.data));

  std::optional<Run> run;
  std::filesystem::path folder;
  if (options.out.empty()) {
    std::string name = (std::filesystem::temp_directory_path() / "limbeck-eval-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail("eval", "cannot make a folder for samples: {}", name);
    folder = name;
  } else {
    std::vector<std::filesystem::path> inputs = {options.data};
    if (!options.examples.empty()) inputs.push_back(options.examples);
    inputs.push_back(options.model);
    const std::string out = std::exchange(options.out, "");  // the folder is no part of what the run is
    run = Run::open(out, "eval", to_toml(fields), inputs, Seed(static_cast<uint64_t>(options.seed)));
    folder = run->folder();
  }
  struct Removed {  // samples of an evaluation without --out
    std::filesystem::path folder;
    ~Removed() {
      std::error_code ignored;
      if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
    }
  } const removed{run ? std::filesystem::path() : folder};

  Json details = {{"model", options.model}, {"data", options.data}};
  const auto figures = problems ? measure_problems(options, folder, details) : measure_texts(options, details);
  fmt::print("{:<16} {:>9}   95% interval\n", "figure", "value");
  for (const auto& figure : figures) {
    const double scale = problems ? 100 : 1;
    const char* unit = problems ? " %" : "";
    const int digits = problems ? 1 : 4;
    fmt::print("{:<16} {:>7.{}f}{}   {:.{}f} to {:.{}f}{}\n", figure.name, scale * figure.interval.value, digits, unit,
               scale * figure.interval.low, digits, scale * figure.interval.high, digits, unit);
    details["figures"][figure.name] = {
        {"value", figure.interval.value}, {"low", figure.interval.low}, {"high", figure.interval.high}};
  }
  std::fflush(stdout);
  if (run) write_json(run->path("eval.json"), details);
  return 0;
}

}  // namespace limbeck::cli
