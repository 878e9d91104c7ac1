#include "recipes/fine_tune_cot.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "data/encode.h"
#include "recipes/fine_tune_cot_table.h"
#include "recipes/fine_tune_cot_texts.h"
#include "recipes/sft.h"
#include "recipes/solving.h"
#include "recipes/student.h"
#include "synthesis/draw.h"
#include "synthesis/problems.h"
#include "teachers/local.h"
#include "teachers/open.h"
#include "train/checkpoint.h"  // remove_checkpoints
#include "train/fit.h"
#include "train/schedule.h"  // length_of

namespace limbeck::recipes {
namespace {

using synthesis::JudgedSample;
using synthesis::Problem;
using TeacherSource = std::function<teachers::Teacher&()>;

// Rationales of one teacher, problem by problem, and the answers that it drew from them.
struct Reasoned {
  std::vector<JudgedSample> rationales, answers;
};

class FineTuneCot {
 public:
  FineTuneCot(const FineTuneCotOptions& options, const Run& run) : options_(options), run_(run) {
    test_ = synthesis::read_problems(options.test_problems, synthesis::Answers::kAny);
    test_set_ = std::make_unique<synthesis::TestSet>(test_, options.decontamination);
    train_ = synthesis::read_problems(options.problems, synthesis::Answers::kAny);
    std::erase_if(train_, [&](const Problem& problem) { return test_set_->overlap(problem.question).has_value(); });
    if (train_.empty()) user_fail(options.problems, "expected training problems but all of them overlap the test set");
    split_off_dev();
    if (!options.examples.empty()) examples_ = read_cot_examples(options.examples);
  }

  void run() {
    std::unique_ptr<teachers::Teacher> teacher;
    const TeacherSource source = [&]() -> teachers::Teacher& {
      if (!teacher)
        teacher = teachers::open_teacher(
            options_.teacher, {.batch = {.max_batch = options_.batch.max_batch, .precision = options_.precision},
                               .answers = run_.path("answers.jsonl")});
      return *teacher;
    };
    greedy_ = reason("the teacher, greedy", source, train_, 1, 0, run_.path("greedy"));
    if (wants("diverse") || wants("repeated"))
      diverse_ = reason("the teacher, diverse", source, train_, options_.diverse, options_.sampling.temperature,
                        run_.path("diverse"));
    if (options_.measure_teacher)
      rows_.push_back(prompted("teacher", "Teacher, two calls", source, run_.path("teacher")));
    teacher.reset();
    for (const auto& name : options_.arms) rows_.push_back(in_context("arm " + name, [&] { return arm(name); }));
    write_cot_results({.rows = rows_,
                       .test = test_,
                       .num_train = train_.size(),
                       .num_dev = dev_.size(),
                       .seed = options_.seed,
                       .resamples = options_.resamples},
                      run_);
  }

 private:
  bool wants(const char* arm) const {
    return std::find(options_.arms.begin(), options_.arms.end(), arm) != options_.arms.end();
  }

  void split_off_dev() {
    std::vector<std::size_t> order(train_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    Random random(run_.seed().derive("dev"));
    random.shuffle(order);
    const auto num_dev = static_cast<std::size_t>(options_.dev_fraction * static_cast<double>(train_.size()));
    std::vector<bool> held_out(train_.size(), false);
    for (std::size_t i = 0; i < num_dev; ++i) held_out[order[i]] = true;
    std::vector<Problem> rest;
    for (std::size_t i = 0; i < train_.size(); ++i) (held_out[i] ? dev_ : rest).push_back(std::move(train_[i]));
    train_ = std::move(rest);
  }

  synthesis::Draw draw(const std::string& label, std::vector<Problem> problems, int64_t num_samples) const {
    return {.label = label,
            .problems = std::move(problems),
            .num_samples = num_samples,
            .sampling = options_.sampling,
            .batch = {.max_batch = options_.batch.max_batch, .precision = options_.precision},
            .truncation = {.after_answer = false},
            .seed = run_.seed().derive("samples"),
            .decide = [](const Problem&, std::span<JudgedSample> samples) {
              for (auto& sample : samples) {
                sample.kept = sample.passed();
                sample.reason = sample.kept ? "kept" : sandbox::name_of(sample.verdict.outcome);
              }
            }};
  }

  // Steps 1 and 2: rationales, and for each of them the answer.
  Reasoned reason(const std::string& label, const TeacherSource& source, const std::vector<Problem>& problems,
                  int64_t num_samples, double temperature, const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    Reasoned reasoned;
    synthesis::Draw first = draw(label + ": rationales", problems, num_samples);
    first.prompt = reason_prompt;
    first.sampling.temperature = temperature;
    reasoned.rationales = synthesis::draw_samples(first, source, *synthesis::no_judge(), folder / "rationales.jsonl");
    std::vector<Problem> asked;
    for (std::size_t i = 0; i < reasoned.rationales.size(); ++i) {
      const auto& rationale = reasoned.rationales[i];
      Problem problem = problems[i / static_cast<std::size_t>(num_samples)];
      problem.id += fmt::format("/{}", rationale.sample);
      problem.question = reason_prompt(problem) + rationale.text + "\nTherefore, the answer is";
      asked.push_back(std::move(problem));
    }
    synthesis::Draw second = draw(label + ": answers", std::move(asked), 1);
    second.prompt = [](const Problem& problem) { return problem.question; };
    second.sampling.temperature = 0;
    reasoned.answers =
        synthesis::draw_samples(second, source, *synthesis::text_judge(options_.answers, ""), folder / "answers.jsonl");
    return reasoned;
  }

  // Steps 4 and 5; the label's answer is the data set's, never the teacher's.
  std::vector<CotText> texts_of(const Reasoned& reasoned, bool right_only) const {
    const std::size_t per_problem = reasoned.rationales.size() / train_.size();
    std::vector<CotText> texts;
    for (std::size_t i = 0; i < reasoned.rationales.size(); ++i) {
      const Problem& problem = train_[i / per_problem];
      const std::string& rationale = reasoned.rationales[i].program;
      if ((right_only && !reasoned.answers[i].passed()) || test_set_->overlap(rationale)) continue;
      texts.push_back({student_prompt(problem), rationale, problem.answer_text});
    }
    return texts;
  }

  CotRow arm(const std::string& name) {
    if (name == "zero_shot")
      return asked(
          name, "Student, zero-shot",
          {.prompt = answer_prompt, .max_tokens = options_.sampling.max_new_tokens, .stop = options_.sampling.stop});
    if (name == "zero_shot_cot") {
      const auto student = student_teacher([this] { return fresh_student(); });
      return prompted(
          name, "Student, zero-shot CoT", [&]() -> teachers::Teacher& { return *student; }, run_.path("arms/" + name));
    }
    if (name == "few_shot_cot") {
      auto stop = options_.sampling.stop;
      stop.emplace_back("\nQ:");  // where it begins an example of its own
      return asked(name, "Student, few-shot CoT",
                   {.prompt = [this](const Problem& problem) { return few_shot_cot_prompt(examples_, problem); },
                    .mark = kAnswerIs,
                    .max_tokens = options_.sampling.max_new_tokens,
                    .stop = stop});
    }
    if (name == "answers") {
      std::vector<CotText> texts;
      for (const auto& problem : train_) texts.push_back({student_prompt(problem), "", problem.answer_text});
      return trained(name, "Student, answers only", texts);
    }
    if (name == "unfiltered") return trained(name, "Student, any rationale", texts_of(greedy_, false));
    const auto right = texts_of(greedy_, true);
    if (name == "cot") return trained(name, "Student, Fine-tune-CoT", right);
    if (name == "shuffled")
      return trained(name, "Student, rationales of other questions",
                     with_rationales_of_others(right, run_.seed().derive("shuffled")));
    const auto several = texts_of(diverse_, true);
    if (name == "diverse")
      return trained(name, fmt::format("Student, Fine-tune-CoT, {} rationales a question", options_.diverse), several);
    return trained(name, fmt::format("Student, Fine-tune-CoT, as many steps as with {} rationales", options_.diverse),
                   right, steps_of(several));
  }

  int64_t steps_of(const std::vector<CotText>& texts) const {
    return train::length_of(static_cast<int64_t>(texts.size()), options_.train).steps;
  }

  models::Pretrained fresh_student() const {
    return load_student(options_.student.empty() ? options_.teacher : options_.student, options_.student_layers);
  }

  // A model that is loaded and frozen when the first sample is asked for.
  std::unique_ptr<teachers::Teacher> student_teacher(std::function<models::Pretrained()> load) const {
    auto model = std::make_shared<std::optional<models::Pretrained>>();
    return teachers::local_teacher(
        "the student",
        [model, load = std::move(load), precision = options_.precision]() -> const models::Pretrained& {
          if (!*model) {
            *model = load();
            (*model)->model->freeze(precision);
          }
          return **model;
        },
        {.max_batch = options_.batch.max_batch, .precision = options_.precision});
  }

  CotRow prompted(const std::string& name, const std::string& title, const TeacherSource& source,
                  const std::filesystem::path& folder) const {
    const Reasoned reasoned = reason(name, source, test_, 1, 0, folder);
    CotRow row{.name = name, .title = title};
    for (std::size_t i = 0; i < test_.size(); ++i)
      add(row, test_[i], reasoned.answers[i], reasoned.rationales[i], reasoned.answers[i].verdict.detail != "");
    return row;
  }

  // How a model is asked for reasoning and answer at once.
  struct Asking {
    std::function<std::string(const Problem&)> prompt;
    std::string mark;  // before the answer
    int64_t max_tokens = 0;
    std::vector<std::string> stop;
  };

  // The student as it is, in one call.
  CotRow asked(const std::string& name, const std::string& title, const Asking& asking) const {
    const auto student = student_teacher([this] { return fresh_student(); });
    std::filesystem::create_directories(run_.path("arms/" + name));
    const auto samples = solve_greedily(
        title, test_, asking, [&]() -> teachers::Teacher& { return *student; },
        run_.path("arms/" + name) / "test.jsonl");
    return row_of(name, title, samples, asking.mark);
  }

  // Of samples that hold rationale and answer. In the format: with the mark, or without one with an answer.
  CotRow row_of(const std::string& name, const std::string& title, const std::vector<JudgedSample>& samples,
                const std::string& mark) const {
    CotRow row{.name = name, .title = title};
    for (std::size_t i = 0; i < test_.size(); ++i) {
      const bool has_format =
          mark.empty() ? samples[i].verdict.detail != "" : samples[i].text.find(mark) != std::string::npos;
      add(row, test_[i], samples[i], samples[i], has_format);
    }
    return row;
  }

  CotRow trained(const std::string& name, const std::string& title, const std::vector<CotText>& texts,
                 int64_t steps = 0) const {
    if (texts.empty())
      user_fail("fine-tune-cot", "expected at least one rationale with the right answer but none of {} has it",
                greedy_.rationales.size());
    const Run run = run_.child("arms").child(name);
    const auto folder = run.path("model");
    train::Options train = options_.train;
    if (steps > 0) train.max_steps = steps;
    if (!std::filesystem::exists(folder)) teach(texts, train, run, folder);
    train::remove_checkpoints(run.folder());
    const auto student = student_teacher([folder] { return models::load_pretrained(folder); });
    const auto samples = solve_greedily(
        title, test_, as_student(), [&]() -> teachers::Teacher& { return *student; }, run.path("test.jsonl"));
    CotRow row = row_of(name, title, samples, kArrow);
    row.num_texts = texts.size();
    row.num_steps = train::length_of(static_cast<int64_t>(texts.size()), train).steps;
    return row;
  }

  Asking as_student() const {
    return {.prompt = student_prompt,
            .mark = kArrow,
            .max_tokens = options_.student_tokens,
            .stop = options_.sampling.stop};
  }

  std::vector<JudgedSample> solve_greedily(const std::string& label, const std::vector<Problem>& problems,
                                           const Asking& asking, const TeacherSource& source,
                                           const std::filesystem::path& file) const {
    synthesis::Draw greedy = draw(label, problems, 1);
    greedy.prompt = asking.prompt;
    greedy.sampling = {.max_new_tokens = asking.max_tokens, .temperature = 0, .stop = asking.stop};
    return synthesis::draw_samples(greedy, source, *synthesis::text_judge(options_.answers, asking.mark), file);
  }

  // Accuracy on the held-out questions after each epoch: what the checkpoint is chosen by.
  class Dev : public train::Hooks {
   public:
    Dev(const FineTuneCot& recipe, const models::Pretrained& student, const Run& run)
        : recipe_(recipe), student_(student), run_(run) {}
    std::optional<double> evaluate(int64_t step) override {
      if (recipe_.dev_.empty()) return std::nullopt;
      const auto copy = recipe_.student_teacher([this] { return copy_of(student_); });
      std::filesystem::create_directories(run_.path("dev"));
      const auto samples = recipe_.solve_greedily(
          "held-out questions", recipe_.dev_, recipe_.as_student(), [&]() -> teachers::Teacher& { return *copy; },
          run_.path(fmt::format("dev/{}.jsonl", step)));
      const auto right = std::count_if(samples.begin(), samples.end(), [](const auto& s) { return s.passed(); });
      return static_cast<double>(right) / static_cast<double>(samples.size());
    }

   private:
    const FineTuneCot& recipe_;
    const models::Pretrained& student_;
    const Run& run_;
  };

  void teach(const std::vector<CotText>& texts, const train::Options& train, const Run& run,
             const std::filesystem::path& folder) const {
    const models::Pretrained student = fresh_student();
    std::vector<data::Row> rows;
    for (const auto& text : texts)
      rows.push_back(data::pair_row(text.prompt, text.completion(), static_cast<int64_t>(rows.size()) + 1));
    const data::Limits limits = limits_of(student);
    const auto encoded = data::encode_rows(rows, *student.tokenizer, limits,
                                           {.max_length = std::min(options_.max_length, limits.context),
                                            .overflow = data::Overflow::kTruncate,
                                            .special_tokens = false},
                                           run.path("texts").string());
    Dev dev(*this, student, run);
    student.model->set_recompute(options_.train.recompute);
    train::fit(trainable(*student.model), encoded.examples, sft_step(*student.model, options_.precision), train, run,
               dev);
    models::save_pretrained(folder, *student.model, *student.tokenizer);
  }

  void add(CotRow& row, const Problem& problem, const JudgedSample& answer, const JudgedSample& rationale,
           bool has_format) const {
    const auto candidates = synthesis::answer_candidates(rationale.text + " " + answer.text, options_.answers);
    row.right.push_back(answer.passed() ? 1 : 0);
    row.holds_answer.push_back(answer.passed() || std::any_of(candidates.begin(), candidates.end(),
                                                              [&](const auto& c) {
                                                                return synthesis::says_the_same(c, problem.answer_text,
                                                                                                options_.answers);
                                                              })
                                   ? 1
                                   : 0);
    row.has_format.push_back(has_format ? 1 : 0);
    row.complete.push_back(rationale.finish != generate::Finish::kLength ? 1 : 0);
    row.written.push_back(rationale.text);
  }

  const FineTuneCotOptions& options_;
  const Run& run_;
  std::vector<Problem> train_, dev_, test_;
  std::vector<CotExample> examples_;
  std::unique_ptr<const synthesis::TestSet> test_set_;
  Reasoned greedy_, diverse_;
  std::vector<CotRow> rows_;
};

}  // namespace

void run_fine_tune_cot(const FineTuneCotOptions& options, const Run& run) {
  FineTuneCot(options, run).run();
}

}  // namespace limbeck::recipes
