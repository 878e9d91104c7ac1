// limbeck generate: continuations of prompts as JSON Lines, in the order of prompts and samples whatever the batch did.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>  // std::isnan
#include <filesystem>
#include <functional>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/records.h"
#include "cli/verbs.h"
#include "generate/generate.h"
#include "models/language_model.h"
#include "teachers/served.h"

namespace limbeck::cli {
namespace {

struct GenerateOptions {
  std::string model, prompt, prompt_file, input, out;
  int64_t num_samples = 1, seed = 0, threads = 0;
  generate::SamplingOptions sampling;
  generate::BatchOptions batch;

  Seed seed_of(std::size_t prompt) const { return Seed(static_cast<uint64_t>(seed)).derive("generate").derive(prompt); }
  bool is_served() const { return std::filesystem::path(model).extension() == ".toml"; }

  void describe(Fields& f) {
    f("model", model,
      "Hugging Face folder, GGUF file, or a TOML file that describes a served model (limbeck show teacher), which is "
      "asked with max_new_tokens, temperature, top_p and stop",
      Names::kRequiredFileOrFolder);
    f("prompt", prompt, "the text to continue");
    f("prompt_file", prompt_file, "file that holds the text to continue", Names::kFile);
    f("input", input, "records (JSON Lines, CSV) of prompts: {\"id\": ..., \"prompt\": \"...\"}; the id is optional",
      Names::kFile);
    f("out", out,
      "JSON Lines to write; without it they go to the standard output. A served model's answers are kept in "
      "OUT.answers.jsonl beside it, and what stands there is not asked for again",
      Names::kOutputFile);
    f("num_samples", num_samples, "continuations of each prompt", at_least(1));
    f("seed", seed, "the same seed gives the same samples, whatever the batch and the threads", at_least(0));
    f("threads", threads, "processor threads; 0: one per core", at_least(0));
    sampling.describe(f);
    batch.describe(f);
    f.check([this]() -> std::optional<std::string> {
      if (is_served() && out.empty()) return "out: expected a file, beside which a served model's answers are kept";
      return std::nullopt;
    });
    f.check([this]() -> std::optional<std::string> {
      const int given = (prompt.empty() ? 0 : 1) + (prompt_file.empty() ? 0 : 1) + (input.empty() ? 0 : 1);
      if (given == 1) return std::nullopt;
      return fmt::format("expected one of --prompt, --prompt-file and --input but received {}",
                         given == 0 ? "none" : "more");
    });
  }
};

struct Text {
  Json id;  // of the input row, or its number
  std::string text;
};

std::vector<Text> read_prompts(const GenerateOptions& options) {
  if (!options.prompt_file.empty()) return {{0, read_file(options.prompt_file)}};
  if (options.input.empty()) return {{0, options.prompt}};
  std::vector<Text> prompts;
  read_records(options.input, [&](const Json& row, int64_t line) {
    const std::string where = fmt::format("{}:{}", options.input, line);
    prompts.push_back(
        {row.contains("id") ? row["id"] : Json(prompts.size()), field<std::string>(row, "prompt", where)});
  });
  if (prompts.empty()) user_fail(options.input, "expected at least one prompt but received an empty file");
  return prompts;
}

const char* finish_name(generate::Finish finish) {
  switch (finish) {
    case generate::Finish::kEndOfText:
      return "end_of_text";
    case generate::Finish::kStop:
      return "stop";
    case generate::Finish::kLength:
      return "length";
  }
  return "";
}

Json line_of(const Json& id, const generate::Sample& sample) {
  Json line = {{"id", id}, {"sample", sample.sample_index}, {"text", sample.text}};
  if (!sample.ids.empty()) line["ids"] = sample.ids;  // a served model tells none
  line["finish"] = finish_name(sample.finish);
  if (!std::isnan(sample.log_prob)) line["log_prob"] = sample.log_prob;
  return line;
}

void sample_local(const GenerateOptions& options, const std::vector<Text>& texts, const models::Pretrained& source,
                  const std::function<void(generate::Sample)>& on_sample) {
  std::vector<generate::Prompt> prompts;
  for (std::size_t i = 0; i < texts.size(); ++i)
    prompts.push_back({.ids = source.tokenizer->encode(texts[i].text),
                       .num_samples = options.num_samples,
                       .seed = options.seed_of(i)});
  generate::generate(source, prompts, options.sampling, options.batch, on_sample);
}

void sample_served(const GenerateOptions& options, const std::vector<Text>& texts,
                   const std::function<void(generate::Sample)>& on_sample) {
  std::vector<teachers::Question> questions;
  for (std::size_t i = 0; i < texts.size(); ++i)
    questions.push_back({.id = texts[i].id.is_string() ? texts[i].id.get<std::string>() : texts[i].id.dump(),
                         .prompt = texts[i].text,
                         .num_samples = options.num_samples,
                         .seed = options.seed_of(i)});
  const auto served = teachers::served_teacher(teachers::read_served(options.model), options.out + ".answers.jsonl");
  served->sample(questions, options.sampling, on_sample);
  if (const std::string spent = served->spent(); !spent.empty()) fmt::print(stderr, "{}\n", spent);
}

}  // namespace

int verb_generate(const Args& args) {
  GenerateOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  const std::vector<Text> texts = read_prompts(options);
  models::Pretrained source;
  if (!options.is_served()) {
    source = models::load_pretrained(options.model);
    source.model->freeze(options.batch.precision, options.batch.weights);
  }
  std::vector<std::string> lines(texts.size() * static_cast<std::size_t>(options.num_samples));
  std::string only_text;
  int64_t num_tokens = 0, done = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  {
    Progress progress("generating", "samples", static_cast<int64_t>(lines.size()));
    const auto on_sample = [&](generate::Sample sample) {
      num_tokens += static_cast<int64_t>(sample.ids.size());
      const auto prompt = static_cast<std::size_t>(sample.prompt_index);
      only_text = sample.text;
      lines[prompt * static_cast<std::size_t>(options.num_samples) + static_cast<std::size_t>(sample.sample_index)] =
          to_line(line_of(texts[prompt].id, sample));
      progress.set(++done, fmt::format("{:.0f} tokens/s", static_cast<double>(num_tokens) / seconds()));
    };
    if (options.is_served())
      sample_served(options, texts, on_sample);
    else
      sample_local(options, texts, source, on_sample);
    progress.finish();
  }
  const double total = seconds();
  if (!options.out.empty()) {
    write_file_atomically(options.out, [&](const Sink& sink) {
      for (const std::string& line : lines) sink(line + "\n");
    });
  } else if (lines.size() == 1) {
    fmt::print("{}\n", only_text);
  } else {
    for (const std::string& line : lines) fmt::print("{}\n", line);
  }
  if (options.is_served())
    fmt::print(stderr, "{} samples in {:.2f} s\n", lines.size(), total);
  else
    fmt::print(stderr, "{} samples, {} tokens in {:.2f} s: {:.1f} tokens/s, the prompts' time inside\n", lines.size(),
               num_tokens, total, static_cast<double>(num_tokens) / total);
  return 0;
}

}  // namespace limbeck::cli
