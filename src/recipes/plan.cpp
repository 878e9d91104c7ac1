#include "recipes/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/errors.h"
#include "base/json.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "models/gguf_model.h"
#include "models/language_model.h"
#include "synthesis/problems.h"
#include "synthesis/prompts.h"
#include "teachers/open.h"
#include "teachers/served.h"
#include "tensor/product.h"

namespace limbeck::recipes {
namespace {

// The value of a named option; the fallback where the method has no such option.
template <class T>
T option(const Fields& fields, std::string_view name, T fallback) {
  for (const Field& field : fields.list())
    if (field.name == name)
      if (const auto* target = std::get_if<T*>(&field.target)) return **target;
  return fallback;
}

// The name of the chosen value of a choice.
std::string choice(const Fields& fields, std::string_view name, const std::string& fallback) {
  for (const Field& field : fields.list())
    if (field.name == name)
      if (const auto* target = std::get_if<Choice>(&field.target)) return target->names.at(target->get());
  return fallback;
}

int64_t elements(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

PlannedModel planned_model(const std::filesystem::path& path) {
  PlannedModel model{.path = path};
  std::unique_ptr<formats::TensorSource> source;
  models::DecoderConfig config;
  if (path.extension() == ".gguf") {
    auto gguf = formats::open_gguf(path);
    config = models::config_of_gguf(*gguf);
    source = std::move(gguf);
  } else {
    source = formats::open_safetensors_folder(path);
    config = models::read_config(read_json(path / "config.json"), (path / "config.json").string());
  }
  for (const auto& name : source->names()) model.num_parameters += elements(source->shape(name));
  model.num_layers = config.num_hidden_layers;
  model.context = config.max_position_embeddings;
  model.cache_bytes = 2 * 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim;
  return model;
}

// With so many blocks: the parameters of the others leave. Embeddings are what no block holds.
PlannedModel with_layers(PlannedModel model, int64_t num_layers, int64_t embedding_parameters) {
  if (num_layers <= 0 || num_layers >= model.num_layers) return model;
  const int64_t in_blocks = model.num_parameters - embedding_parameters;
  model.num_parameters = embedding_parameters + in_blocks / model.num_layers * num_layers;
  model.cache_bytes = model.cache_bytes / model.num_layers * num_layers;
  model.num_layers = num_layers;
  return model;
}

int64_t embedding_parameters(const std::filesystem::path& path) {
  const bool is_gguf = path.extension() == ".gguf";
  const auto source = is_gguf ? std::unique_ptr<formats::TensorSource>(formats::open_gguf(path))
                              : formats::open_safetensors_folder(path);
  int64_t count = 0;
  for (const auto& name : source->names())
    if (name.find(is_gguf ? "blk." : ".layers.") == std::string::npos) count += elements(source->shape(name));
  return count;
}

int64_t num_lines(const std::string& file) {
  if (file.empty()) return 0;
  int64_t count = 0;
  read_jsonl(file, [&](const Json&, int64_t) { ++count; });
  return count;
}

// Tokens of the longest few-shot prompt and of the longest training text ("# question\nprogram").
void count_prompt_tokens(const Fields& fields, const std::filesystem::path& tokenizer_of, PlanFacts& facts) {
  const auto problems = option<std::string>(fields, "problems", ""),
             examples = option<std::string>(fields, "examples", "");
  if (problems.empty()) return;
  const auto tokenizer = models::load_tokenizer(tokenizer_of);
  std::string longest_question, longest_program;
  for (const auto& problem : synthesis::read_problems(problems, synthesis::Answers::kAny))
    if (problem.question.size() > longest_question.size()) longest_question = problem.question;
  if (examples.empty()) {            // a rationale follows the question
    constexpr int64_t kAround = 16;  // tokens of what stands around both
    facts.prompt_tokens = static_cast<int64_t>(tokenizer->encode_ordinary(longest_question).size()) + kAround;
    facts.pair_tokens = facts.prompt_tokens + facts.max_new_tokens;
    return;
  }
  const auto worked = synthesis::read_examples(examples);
  for (const auto& example : worked)
    if (example.program.size() > longest_program.size()) longest_program = example.program;
  facts.prompt_tokens =
      static_cast<int64_t>(tokenizer->encode_ordinary(synthesis::few_shot_prompt(worked, longest_question)).size());
  facts.pair_tokens = static_cast<int64_t>(
      tokenizer
          ->encode_ordinary(synthesis::zero_shot_prompt(longest_question) + synthesis::completion_of(longest_program))
          .size());
}

void add_obstacles(const PlanFacts& facts, const PlanMachine& machine, const std::optional<PlanSpeeds>& speeds,
                   int64_t disk, double cost, double teacher_tokens, std::vector<std::string>& obstacles) {
  const int64_t sampling = sampling_bytes(facts), training = training_bytes(facts, speeds);
  if (sampling > machine.free_memory)
    obstacles.push_back(
        fmt::format("sampling needs {} of memory and {} are free: lower max_batch ({}), or serve the "
                    "teacher from another machine (limbeck show teacher)",
                    bytes_text(sampling), bytes_text(machine.free_memory), facts.max_batch));
  if (training > machine.free_memory)
    obstacles.push_back(fmt::format(
        "training needs {} of memory and {} are free: lower train.micro_batch_tokens ({}) or "
        "student_layers ({}), or take a smaller student",
        bytes_text(training), bytes_text(machine.free_memory), facts.micro_batch_tokens, facts.student.num_layers));
  if (disk > machine.free_disk)
    obstacles.push_back(
        fmt::format("the run's folder grows to {} and {} are free: lower train.keep_checkpoints, measure "
                    "fewer arms, or name another --out",
                    bytes_text(disk), bytes_text(machine.free_disk)));
  const int64_t context = facts.teacher.context;
  if (context > 0 && facts.prompt_tokens + facts.max_new_tokens > context)
    obstacles.push_back(
        fmt::format("the longest prompt has {} tokens, with sampling.max_new_tokens {} more than the "
                    "teacher's context of {}: take fewer or shorter worked examples",
                    facts.prompt_tokens, facts.max_new_tokens, context));
  if (facts.cap_cost > 0 && cost > facts.cap_cost)
    obstacles.push_back(
        fmt::format("the teacher may cost {:.2f} and cap.cost is {:.2f}: the run would stop there; raise it "
                    "or lower k ({})",
                    cost, facts.cap_cost, facts.k));
  if (facts.cap_tokens > 0 && teacher_tokens > static_cast<double>(facts.cap_tokens))
    obstacles.push_back(
        fmt::format("the teacher may take {} tokens and cap.tokens is {}: the run would stop there; raise it "
                    "or lower k ({})",
                    count_text(teacher_tokens), count_text(static_cast<double>(facts.cap_tokens)), facts.k));
}

}  // namespace

std::string bytes_text(int64_t bytes) {
  const auto amount = static_cast<double>(bytes);
  if (amount < 1 << 20) return fmt::format("{:.0f} KiB", amount / 1024);
  if (amount < 1 << 30) return fmt::format("{:.0f} MiB", amount / (1 << 20));
  return fmt::format("{:.1f} GiB", amount / (1 << 30));
}

std::string seconds_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  const auto minutes = static_cast<int64_t>(std::llround(seconds / 60));
  if (minutes < 120) return fmt::format("{} min", minutes);
  if (minutes < 48 * 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  return fmt::format("{:.1f} days", static_cast<double>(minutes) / (24 * 60));
}

std::string count_text(double count) {
  if (count < 10'000) return fmt::format("{:.0f}", count);
  if (count < 1e6) return fmt::format("{:.0f} thousand", count / 1e3);
  if (count < 1e9) return fmt::format("{:.1f} million", count / 1e6);
  return fmt::format("{:.1f} billion", count / 1e9);
}

int64_t PlanFacts::num_trained_arms() const {
  return std::count_if(arms.begin(), arms.end(), [](const PlannedArm& arm) { return arm.epochs > 0; });
}

double PlanFacts::epochs() const {
  double sum = 0;
  for (const PlannedArm& arm : arms) sum += arm.epochs;
  return sum;
}

PlanFacts plan_facts(const std::string& method, const Job& job, const Fields& fields) {
  if (std::none_of(fields.list().begin(), fields.list().end(), [](const Field& f) { return f.name == "problems"; }))
    user_fail("plan", "expected a method whose teacher writes about problems but received '{}'", method);
  PlanFacts facts{.method = method};
  const std::filesystem::path teacher = option<std::string>(fields, "teacher", "");
  const std::filesystem::path named = option<std::string>(fields, "student", "");
  const bool local = teachers::is_local(teacher);
  if (local) facts.teacher = planned_model(teacher);
  if (teacher.extension() == ".toml") {
    const auto served = teachers::read_served(teacher);
    facts.prompt_price = served.price.prompt, facts.completion_price = served.price.completion;
    facts.cap_cost = served.cap.cost, facts.cap_tokens = served.cap.tokens;
  }
  const std::filesystem::path student = named.empty() ? teacher : named;
  if (!student.empty() && teachers::is_local(student))
    facts.student = with_layers(planned_model(student), option<int64_t>(fields, "student_layers", 0),
                                embedding_parameters(student));
  facts.num_problems = num_lines(option<std::string>(fields, "problems", ""));
  facts.num_test_problems = num_lines(option<std::string>(fields, "test_problems", ""));
  facts.k = option<int64_t>(fields, "k", 1);
  facts.max_new_tokens = option<int64_t>(fields, "sampling.max_new_tokens", 0);
  if (!facts.student.path.empty()) count_prompt_tokens(fields, student, facts);
  facts.max_batch = option<int64_t>(fields, "max_batch", 64);
  facts.test_samples = option<int64_t>(fields, "eval.num_samples", 1);
  facts.answer_tokens = option<int64_t>(fields, "student_tokens", 0);
  facts.calls = job.planned_calls();
  facts.arms = job.planned_arms();
  if (const double epochs = option<double>(fields, "train.epochs", 0); facts.arms.empty() && epochs > 0)
    facts.arms = {{.name = method, .epochs = epochs}};
  facts.most_pairs = facts.num_problems * (choice(fields, "selection.filter", "") == "first" ? 1 : facts.k);
  if (option<bool>(fields, "loss_on_pad", false))
    facts.pair_tokens = option<int64_t>(fields, "max_length", facts.pair_tokens);
  facts.micro_batch_tokens = option<int64_t>(fields, "train.micro_batch_tokens", 0);
  facts.keep_checkpoints = option<int64_t>(fields, "train.keep_checkpoints", 1);
  if (const std::string mean = choice(fields, "train.averaging", "none"); mean == "swa" || mean == "ema")
    facts.means = 1;
  else if (mean == "last-k")
    facts.means = 1 + option<int64_t>(fields, "train.averaging_last", 0);
  facts.precision = choice(fields, "precision", "bf16") == "fp32" ? Precision::kFp32 : Precision::kBf16;
  facts.keeps_low_copy = facts.precision == Precision::kBf16 && !products_read_wide_weights();
  return facts;
}

PlanMachine this_machine(const std::filesystem::path& out) {
  PlanMachine machine;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string name, unit; meminfo >> name;) {
    int64_t kib = 0;
    meminfo >> kib;
    std::getline(meminfo, unit);
    if (name == "MemAvailable:") machine.free_memory = kib * 1024;
  }
  std::filesystem::path there = std::filesystem::absolute(out.empty() ? "." : out);
  while (!std::filesystem::exists(there) && there.has_parent_path()) there = there.parent_path();
  std::error_code error;
  machine.free_disk = static_cast<int64_t>(std::filesystem::space(there, error).available);
  return machine;
}

int64_t sampling_bytes(const PlanFacts& facts) {
  if (facts.teacher.num_parameters == 0) return 0;
  // Loaded in fp32, then kept in the precision of the products only.
  const int64_t weights = facts.teacher.num_parameters * 4;
  const int64_t wide = facts.precision == Precision::kFp32 ? 2 : 1;
  return weights + wide * facts.teacher.cache_bytes * (facts.prompt_tokens + facts.max_batch * facts.max_new_tokens);
}

int64_t training_bytes(const PlanFacts& facts, const std::optional<PlanSpeeds>& speeds) {
  if (facts.num_trained_arms() == 0) return 0;
  // Masters, gradients, two running means of them and means of the weights in fp32.
  const int64_t state = facts.student.num_parameters * (16 + 4 * facts.means + (facts.keeps_low_copy ? 2 : 0));
  return state + (speeds ? speeds->training_bytes : 0);
}

Plan plan_of(const PlanFacts& facts, const PlanMachine& machine, const std::optional<PlanSpeeds>& speeds) {
  Plan plan;
  const auto line = [&](std::string what, std::string amount) {
    plan.lines.emplace_back(std::move(what), std::move(amount));
  };
  const auto product = [](auto... factors) { return (static_cast<double>(factors) * ...); };

  int64_t teacher_rounds = 1, student_rounds = 0, arms_on_test = 0;
  for (const PlannedArm& arm : facts.arms) {
    teacher_rounds += arm.teacher_rounds;
    student_rounds += arm.student_rounds;
    arms_on_test += arm.writes_on_test ? 1 : 0;
  }
  const int64_t prompts = (facts.num_problems * teacher_rounds + facts.num_test_problems) * facts.calls;
  const double asked = product(prompts, facts.prompt_tokens);
  const double round = product(facts.num_problems, facts.k, facts.max_new_tokens, facts.calls);
  const double drawn = round * static_cast<double>(teacher_rounds);
  const double by_teacher_on_test =
      product(facts.num_test_problems, facts.test_samples, facts.max_new_tokens, facts.calls);
  const double answers = product(facts.num_test_problems, facts.test_samples,
                                 facts.answer_tokens > 0 ? facts.answer_tokens : facts.max_new_tokens);
  const double by_student = answers * static_cast<double>(arms_on_test) + round * static_cast<double>(student_rounds);
  line("teacher reads", fmt::format("{} tokens of {} prompts, at most", count_text(asked), prompts));
  line("teacher writes",
       fmt::format("{} tokens, at most: {} problems x {} samples x {} tokens{}{}, and {} on the test",
                   count_text(drawn + by_teacher_on_test), facts.num_problems, facts.k, facts.max_new_tokens,
                   facts.calls > 1 ? fmt::format(" x {} calls", facts.calls) : "",
                   teacher_rounds > 1 ? fmt::format(" x {} rounds", teacher_rounds) : "",
                   count_text(by_teacher_on_test)));
  line("student writes",
       fmt::format("{} tokens, at most: {} arms on the test{}", count_text(by_student), arms_on_test,
                   student_rounds > 0 ? fmt::format(", and {} rounds over the problems", student_rounds) : ""));
  const double cost = (facts.prompt_price * asked + facts.completion_price * (drawn + by_teacher_on_test)) / 1e6;
  if (facts.prompt_price > 0 || facts.completion_price > 0) line("teacher costs", fmt::format("{:.2f}, at most", cost));
  const double learned = product(facts.most_pairs, facts.pair_tokens) * facts.epochs();
  line("training reads", fmt::format("{} tokens, at most: {} texts x {:g} epochs, of {} arms together",
                                     count_text(learned), facts.most_pairs, facts.epochs(), facts.num_trained_arms()));

  if (facts.teacher.num_parameters > 0)
    line("memory, sampling", fmt::format("{} ({} parameters)", bytes_text(sampling_bytes(facts)),
                                         count_text(static_cast<double>(facts.teacher.num_parameters))));
  line("memory, training",
       fmt::format("{}{} ({} parameters)", bytes_text(training_bytes(facts, speeds)),
                   speeds && speeds->training_bytes > 0 ? "" : " and activations, which were not measured",
                   count_text(static_cast<double>(facts.student.num_parameters))));
  line("memory, free", bytes_text(machine.free_memory));

  // While one arm trains: its checkpoints with the best weights; after it a model of each, and a line a sample.
  constexpr double kSampleBytes = 600;
  const int64_t disk =
      facts.student.num_parameters *
          ((12 + 4 * facts.means) * (facts.keep_checkpoints + 1) + 4 * (facts.num_trained_arms() + 1)) +
      static_cast<int64_t>(kSampleBytes *
                           (product(facts.num_problems, facts.k, teacher_rounds + student_rounds) +
                            product(facts.num_test_problems, facts.test_samples, facts.arms.size() + 1)));
  line("disk", fmt::format("{}, at most; {} are free", bytes_text(disk), bytes_text(machine.free_disk)));

  if (speeds) {
    double seconds = learned / std::max(1e-9, speeds->trained);
    line("speeds measured", fmt::format("{:.0f} tokens/s drawn, {:.0f} read, {:.0f} trained", speeds->drawn,
                                        speeds->read, speeds->trained));
    if (facts.teacher.num_parameters > 0)
      seconds += (drawn + by_teacher_on_test) / std::max(1e-9, speeds->drawn) + asked / std::max(1e-9, speeds->read);
    // The student is measured as if it were as slow as what was measured.
    seconds += by_student / std::max(1e-9, speeds->drawn);
    line("time", fmt::format("{}, at most{}", seconds_text(seconds),
                             facts.teacher.num_parameters > 0 ? "" : ", without the teacher's answers"));
  }
  add_obstacles(facts, machine, speeds, disk, cost, asked + drawn + by_teacher_on_test, plan.obstacles);
  return plan;
}

}  // namespace limbeck::recipes
