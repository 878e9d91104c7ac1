// A result of an EKT run that no model made, with hostile text in every place that comes from outside.
#pragma once

#include <optional>
#include <string>

#include "recipes/ekt_table.h"
#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {

class MadeUpResult : public TinyEkt {
 protected:
  static constexpr const char* kHostile =
      "</pre><script>alert('x')</script><img src=\"http://example.com/a.png\" onerror=1>&";

  void SetUp() override {
    TinyEkt::SetUp();
    if (IsSkipped()) return;
    write_file_atomically(folder_ / "test.jsonl", to_line({{"id", "<i>"}, {"question", kHostile}, {"answer", 2}}) +
                                                      "\n" + read_file(folder_ / "test.jsonl"));
    run_.emplace(open_run("run"));
    context_.emplace(options_, *run_);
    context_->dropped.push_back({kHostile, kHostile});
    for (const auto& problem : context_->train)
      for (int64_t i = 0; i < options_.k; ++i) context_->samples.push_back(training_sample(problem.id, i));
    result_.rows = {arm("teacher", "Teacher <b>", 1), arm("unfiltered", "Unfiltered", 1), arm("ekt", "EKT", 2)};
    result_.rows[2].pairs = {{"q", "p"}};
    result_.rows[2].folder = folder_ / "arm";
    std::filesystem::create_directories(folder_ / "arm");
    std::string log;
    for (int step = 1; step <= 20; ++step)
      log += to_line({{"time", 1}, {"kind", "step"}, {"step", step}, {"loss", 2.0 / step}}) + "\n";
    log += to_line({{"kind", "evaluation"}, {"step", 20}, {"metric", 0.25}}) + "\n";
    write_file_atomically(folder_ / "arm/log.jsonl", log);
    result_.comparisons = compare_arms(result_.rows, *context_);
    result_.funnel = funnel_of(*context_);
  }

  // Of four samples: an exception, a wrong number, one kept, one right but not the first.
  static synthesis::JudgedSample training_sample(const std::string& id, int64_t i) {
    using sandbox::Outcome;
    synthesis::JudgedSample sample{.id = id, .sample = i, .program = "n0 = 1\nanswer = n0"};
    if (i == 0)
      sample.verdict = {.outcome = Outcome::kException, .detail = std::string(kHostile) + ": text"},
      sample.reason = "exception";
    if (i == 1) sample.verdict = {.outcome = Outcome::kWrongAnswer, .answer = 5.0}, sample.reason = "wrong_answer";
    if (i >= 2)
      sample.verdict = {.outcome = Outcome::kPassed, .answer = 1.0}, sample.reason = i == 2 ? "kept" : "not_first";
    sample.kept = i == 2;
    return sample;
  }

  // Three samples a test problem, the first `num_right` of them right.
  ArmResult arm(const std::string& name, const std::string& title, int num_right) {
    ArmResult result{.name = name, .title = title};
    for (const auto& problem : context_->test) {
      evaluation::Tally tally;
      for (int64_t i = 0; i < 3; ++i) {
        synthesis::JudgedSample sample{.id = problem.id, .sample = i, .program = kHostile};
        sample.verdict.outcome = i < num_right ? sandbox::Outcome::kPassed : sandbox::Outcome::kWrongAnswer;
        sample.verdict.answer = 7;
        evaluation::count(tally, sample.verdict);
        result.solved.samples.push_back(std::move(sample));
      }
      result.solved.tallies.push_back(tally);
    }
    for (const int64_t k : options_.eval.ks)
      result.solved.figures.emplace_back("pass@" + std::to_string(k),
                                         evaluation::pass_at_k(result.solved.tallies, k, {.resamples = 50}));
    return result;
  }

  std::optional<limbeck::Run> run_;
  std::optional<EktContext> context_;
  EktResult result_;
};

}  // namespace limbeck::recipes
