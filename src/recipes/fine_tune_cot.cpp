#include "recipes/fine_tune_cot.h"

#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/encode.h"
#include "recipes/cells.h"
#include "recipes/charts.h"
#include "recipes/html.h"
#include "recipes/sft.h"
#include "recipes/solving.h"
#include "recipes/student.h"
#include "recipes/task_arm.h"  // mistake_in_arms
#include "synthesis/draw.h"
#include "synthesis/problems.h"
#include "teachers/local.h"
#include "teachers/open.h"
#include "train/checkpoint.h"  // remove_checkpoints
#include "train/fit.h"

namespace limbeck::recipes {
namespace {

using synthesis::JudgedSample;
using synthesis::Problem;
using TeacherSource = std::function<teachers::Teacher&()>;

constexpr const char* kArrow = "-->";  // between rationale and answer in a student's text

std::string reason_prompt(const Problem& problem) {
  return "Q: " + problem.question + "\nA: Let's think step by step.";
}
std::string student_prompt(const Problem& problem) {
  return problem.question + " ###";
}

// Rationales of one teacher, problem by problem, and the answers that it drew from them.
struct Reasoned {
  std::vector<JudgedSample> rationales, answers;
};

// A question's completion that a student learns.
struct CotText {
  std::string prompt, completion;
};

struct CotRow {
  std::string name, title;
  std::size_t num_texts = 0;
  std::vector<double> right, holds_answer, has_format, complete;  // 0 or 1, of each test problem
  std::vector<std::string> written;
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
    if (wants("diverse"))
      diverse_ = reason("the teacher, diverse", source, train_, options_.diverse, options_.sampling.temperature,
                        run_.path("diverse"));
    if (options_.measure_teacher)
      rows_.push_back(prompted("teacher", "Teacher, two calls", source, run_.path("teacher")));
    teacher.reset();
    for (const auto& name : options_.arms) rows_.push_back(in_context("arm " + name, [&] { return arm(name); }));
    write_results();
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
      texts.push_back({student_prompt(problem), fmt::format(" {} {} {}", rationale, kArrow, problem.answer_text)});
    }
    return texts;
  }

  CotRow arm(const std::string& name) {
    if (name == "zero_shot_cot") {
      std::unique_ptr<teachers::Teacher> student = student_teacher([this] { return fresh_student(); });
      return prompted(
          name, "Student, zero-shot CoT", [&]() -> teachers::Teacher& { return *student; }, run_.path("arms/" + name));
    }
    if (name == "answers") {
      std::vector<CotText> texts;
      for (const auto& problem : train_) texts.push_back({student_prompt(problem), " " + problem.answer_text});
      return trained(name, "Student, answers only", texts);
    }
    if (name == "unfiltered") return trained(name, "Student, any rationale", texts_of(greedy_, false));
    if (name == "cot") return trained(name, "Student, Fine-tune-CoT", texts_of(greedy_, true));
    return trained(name, fmt::format("Student, Fine-tune-CoT, {} rationales a question", options_.diverse),
                   texts_of(diverse_, true));
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

  CotRow trained(const std::string& name, const std::string& title, const std::vector<CotText>& texts) const {
    if (texts.empty())
      user_fail("fine-tune-cot", "expected at least one rationale with the right answer but none of {} has it",
                greedy_.rationales.size());
    const Run run = run_.child("arms").child(name);
    const auto folder = run.path("model");
    if (!std::filesystem::exists(folder)) teach(texts, run, folder);
    train::remove_checkpoints(run.folder());
    const auto student = student_teacher([folder] { return models::load_pretrained(folder); });
    const auto samples = solve_greedily(
        title, test_, [&]() -> teachers::Teacher& { return *student; }, run.path("test.jsonl"));
    CotRow row{.name = name, .title = title, .num_texts = texts.size()};
    for (std::size_t i = 0; i < test_.size(); ++i)
      add(row, test_[i], samples[i], samples[i], samples[i].text.find(kArrow) != std::string::npos);
    return row;
  }

  std::vector<JudgedSample> solve_greedily(const std::string& label, const std::vector<Problem>& problems,
                                           const TeacherSource& source, const std::filesystem::path& file) const {
    synthesis::Draw greedy = draw(label, problems, 1);
    greedy.prompt = student_prompt;
    greedy.sampling = {.max_new_tokens = options_.student_tokens, .temperature = 0, .stop = options_.sampling.stop};
    return synthesis::draw_samples(greedy, source, *synthesis::text_judge(options_.answers, kArrow), file);
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
          "held-out questions", recipe_.dev_, [&]() -> teachers::Teacher& { return *copy; },
          run_.path(fmt::format("dev/{}.jsonl", step)));
      const auto right = std::count_if(samples.begin(), samples.end(), [](const auto& s) { return s.passed(); });
      return static_cast<double>(right) / static_cast<double>(samples.size());
    }

   private:
    const FineTuneCot& recipe_;
    const models::Pretrained& student_;
    const Run& run_;
  };

  void teach(const std::vector<CotText>& texts, const Run& run, const std::filesystem::path& folder) const {
    const models::Pretrained student = fresh_student();
    std::vector<data::Row> rows;
    for (const auto& text : texts)
      rows.push_back(data::pair_row(text.prompt, text.completion, static_cast<int64_t>(rows.size()) + 1));
    const data::Limits limits = limits_of(student);
    const auto encoded = data::encode_rows(rows, *student.tokenizer, limits,
                                           {.max_length = std::min(options_.max_length, limits.context),
                                            .overflow = data::Overflow::kTruncate,
                                            .special_tokens = false},
                                           run.path("texts").string());
    Dev dev(*this, student, run);
    student.model->set_recompute(options_.train.recompute);
    train::fit(trainable(*student.model), encoded.examples, sft_step(*student.model, options_.precision),
               options_.train, run, dev);
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

  void write_results() const;

  const FineTuneCotOptions& options_;
  const Run& run_;
  std::vector<Problem> train_, dev_, test_;
  std::unique_ptr<const synthesis::TestSet> test_set_;
  Reasoned greedy_, diverse_;
  std::vector<CotRow> rows_;
};

using Share = std::pair<const char*, const std::vector<double> CotRow::*>;
const std::vector<Share> kShares = {{"accuracy", &CotRow::right},
                                    {"holds the answer", &CotRow::holds_answer},
                                    {"in the format", &CotRow::has_format},
                                    {"complete", &CotRow::complete}};

void FineTuneCot::write_results() const {
  const evaluation::BootstrapOptions bootstrap{.resamples = options_.resamples,
                                               .groups = synthesis::group_numbers(test_)};
  Cells cells = {{"arm", "texts"}};
  for (const auto& [name, values] : kShares) cells[0].push_back(std::string(name) + " %");
  Json json_rows = Json::array();
  std::string html;
  std::vector<DotRow> dots;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    const CotRow& row = rows_[r];
    cells.push_back({row.title, row.num_texts == 0 ? "-" : std::to_string(row.num_texts)});
    Json figures = Json::object();
    for (const auto& [name, values] : kShares) {
      const auto interval = evaluation::bootstrap_mean(row.*values, bootstrap);
      if (values == &CotRow::right) dots.push_back({row.title, fmt::format("c{}", r % 9), interval});
      cells.back().push_back(
          fmt::format("{:.1f} ({:.1f} to {:.1f})", 100 * interval.value, 100 * interval.low, 100 * interval.high));
      figures[name] = {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
    }
    json_rows.push_back({{"arm", row.name}, {"title", row.title}, {"num_texts", row.num_texts}, {"figures", figures}});
  }
  const std::string caption =
      fmt::format("{} test problems, greedy; {} training questions, {} held out; 95 % bootstrap intervals.",
                  test_.size(), train_.size(), dev_.size());
  for (std::size_t p = 0; p < std::min<std::size_t>(test_.size(), 8); ++p) {
    std::string texts;
    for (const auto& row : rows_)
      texts += fmt::format("{}: {}\n{}\n\n", row.title, row.right[p] == 1 ? "right" : "wrong", row.written[p]);
    html += html_folded(fmt::format("{} → {}", test_[p].question, test_[p].answer_text), texts);
  }
  write_json(
      run_.path("table.json"),
      {{"method", "fine-tune-cot"}, {"seed", options_.seed}, {"rows", json_rows}, {"num_test_problems", test_.size()}});
  write_file_atomically(run_.path("table.md"), cells_markdown(cells) + "\n" + caption + "\n");
  const std::string head = fmt::format(
      "<header>\n<p class=\"brand\">Limbeck · fine-tune-cot</p>\n<h1>Fine-tune-CoT</h1>\n<p class=\"lead\">{}</p>\n"
      "</header>\n",
      escape_html(caption));
  write_file_atomically(run_.path("report.html"),
                        html_page("Limbeck: Fine-tune-CoT",
                                  head +
                                      html_section("The arms", "Accuracy; whiskers are 95 % bootstrap intervals.",
                                                   dots_with_whiskers("accuracy", dots)) +
                                      html_section("The same in figures", "", html_folded("table", cells_text(cells))) +
                                      html_section("Texts side by side", "The first test problems.", html)));
  fmt::print("\n{}\n{}\nreport: {}\n", cells_text(cells), caption, run_.path("report.html").string());
  std::fflush(stdout);
}

constexpr const char* kCotUntrained = "zero_shot_cot";
const std::vector<std::string> kCotArms = {kCotUntrained, "answers", "unfiltered", "cot", "diverse"};

}  // namespace

void FineTuneCotOptions::describe(Fields& f) {
  f("teacher", teacher, fmt::format("who reasons: {}", teachers::kTeacherKinds), Names::kRequiredFileOrFolder);
  f("student", student, "the model that learns: a Hugging Face folder or a .gguf file; empty: a slice of the teacher",
    Names::kFileOrFolder);
  f("student_layers", student_layers, "blocks of the student, evenly spaced over those it has; 0: all", at_least(0));
  f("problems", problems,
    "training questions: {\"id\", \"question\", \"answer\"} a line; an answer is a number or a text",
    Names::kRequiredFile);
  f("test_problems", test_problems, "test questions, in the same form", Names::kRequiredFile);
  f("arms", arms,
    fmt::format("what is measured side by side: {} (prompted, not trained; trained on answers alone; on any greedy "
                "rationale; on those with the right answer; on several a question)",
                fmt::join(kCotArms, ", ")));
  f("diverse", diverse, "rationales a question of the arm diverse (D)", at_least(1));
  f("answers", answers, "what an answer is and how it is compared", synthesis::answer_kind_choices());
  f("measure_teacher", measure_teacher,
    "measure the teacher on the test questions; false for a recorded one that has no samples for them");
  f("seed", seed, "of everything that is drawn", at_least(0));
  f("dev_fraction", dev_fraction,
    "share of the training questions held out to choose the best checkpoint; 0: keep the last one", within(0, 0.9));
  f("max_length", max_length, "longest training text in tokens; longer ones are cut", at_least(2));
  f("student_tokens", student_tokens, "longest text of a trained student in tokens", at_least(1));
  f("resamples", resamples, "bootstrap resamples of the problems behind each 95% interval", at_least(1));
  f("precision", precision, "of the matrix products", precision_choices());
  f("max_batch", batch.max_batch, "sequences that are decoded together; changes the speed, never a sample", at_least(1))
      .speed_only = true;
  f.group("sampling", sampling);
  f.group("decontamination", decontamination);
  f.group("train", train);
  f.check([this]() -> std::optional<std::string> {
    if (const auto mistake = mistake_in_arms(arms, kCotArms)) return mistake;
    if (student.empty() && !teacher.empty() && !teachers::is_local(teacher))
      return fmt::format("student: expected a model, for {} has none of which it could be a slice", teacher);
    return std::nullopt;
  });
}

std::vector<std::filesystem::path> FineTuneCotOptions::inputs() const {
  std::vector<std::filesystem::path> files = {problems, test_problems};
  for (const auto& file : teachers::inputs_of(teacher)) files.push_back(file);
  if (!student.empty()) files.emplace_back(student);
  return files;
}

std::vector<PlannedArm> FineTuneCotOptions::planned_arms() const {
  std::vector<PlannedArm> planned;
  for (const auto& name : arms)
    planned.push_back(
        {.name = name,
         .epochs = name == kCotUntrained ? 0 : train.epochs * (name == "diverse" ? static_cast<double>(diverse) : 1),
         .teacher_rounds = name == "diverse" ? diverse : 0});
  return planned;
}

void run_fine_tune_cot(const FineTuneCotOptions& options, const Run& run) {
  FineTuneCot(options, run).run();
}

}  // namespace limbeck::recipes
