#include "recipes/ekt_expert.h"

#include <unordered_set>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "recipes/ekt_pairs.h"
#include "teachers/local.h"

namespace limbeck::recipes {
namespace {

class ExpertIteration {
 public:
  ExpertIteration(const EktContext& context, const Run& run) : context_(context), run_(run) {}

  ArmResult run() {
    const ExpertOptions& options = context_.options.expert;
    std::string solved_in_rounds;
    for (int64_t round = 0; round < options.rounds; ++round) {
      const std::size_t before = pool_.size();
      gather(round);
      if (pool_.empty()) break;  // nothing to learn from, now and later
      solved_in_rounds += fmt::format("{}{}", round == 0 ? "" : ", ", pool_.size() - before);
    }
    ArmResult result = pool_.empty() ? untrained() : trained();
    result.note = pool_.empty()
                      ? "the student solved none of the training questions, so there was nothing to learn from"
                      : fmt::format("programs that the rounds added: {}", solved_in_rounds);
    return result;
  }

 private:
  bool begins_unfiltered() const { return context_.options.expert.start == ExpertStart::kUnfiltered; }

  // The weights that every round begins with.
  models::Pretrained first_weights() const {
    if (!begins_unfiltered()) return context_.student();
    const Run unfiltered = context_.run.child("arms").child("unfiltered");
    const Course course = unfiltered_course(context_);
    write_pairs(unfiltered.path("pairs.jsonl"), course.pairs);
    train_student(context_, course, unfiltered, unfiltered.path("model"));
    return models::load_pretrained(unfiltered.path("model"));
  }

  Course course() const {
    const ExpertOptions& options = context_.options.expert;
    train::Options train = context_.options.train;
    train.epochs = options.epochs;
    train.max_steps = 0;
    train.learning_rate = options.learning_rate;
    train.batch_size = options.batch_size;
    train.schedule = train::ScheduleKind::kConstant;
    train.warmup_steps = 0;
    return {.pairs = pool_, .student = [this] { return first_weights(); }, .train = train, .look_at_dev = false};
  }

  // Samples for the unsolved questions; what passes joins the pool. A finished round needs no model.
  void gather(int64_t round) {
    const Run of_round = run_.child(fmt::format("round-{}", round));
    const auto model_folder = of_round.path("model");
    Lazy student(
        [&] {
          if (round == 0) return first_weights();
          write_pairs(of_round.path("pairs.jsonl"), pool_);
          train_student(context_, course(), of_round, model_folder);
          return models::load_pretrained(model_folder);
        },
        context_.options.precision);
    const auto local = teachers::local_teacher(
        "the student", [&]() -> const models::Pretrained& { return student(); },
        {.max_batch = context_.options.batch.max_batch, .precision = context_.options.precision});
    const bool few_shot = round == 0 && !begins_unfiltered();
    Sampled sampled{.label = fmt::format("expert iteration, round {}", round),
                    .problems = unsolved(),
                    .prompt = EktContext::zero_shot,
                    .source = [&]() -> teachers::Teacher& { return *local; },
                    .seed = run_.seed().derive("samples").derive(static_cast<uint64_t>(round)),
                    .file = of_round.path("samples.jsonl")};
    if (few_shot) sampled.prompt = [this](const synthesis::Problem& problem) { return context_.few_shot(problem); };
    if (sampled.problems.empty()) return;
    const auto samples = context_.sample(sampled);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (!samples[i].kept) continue;
      const auto& problem = sampled.problems[i / static_cast<std::size_t>(context_.options.k)];
      pool_.push_back({problem.question, samples[i].program});
      solved_.insert(problem.id);
    }
    std::filesystem::remove_all(model_folder);  // only this round's samples were wanted of it
  }

  std::vector<synthesis::Problem> unsolved() const {
    std::vector<synthesis::Problem> problems;
    for (const auto& problem : context_.train)
      if (!solved_.contains(problem.id)) problems.push_back(problem);
    return problems;
  }

  ArmResult trained() const {
    return train_and_measure(context_, run_, "student of expert iteration", course(), run_.path("model"));
  }
  ArmResult untrained() const {
    return measure_student(context_, run_, "student of expert iteration",
                           Lazy([this] { return first_weights(); }, context_.options.precision), EktContext::zero_shot);
  }

  const EktContext& context_;
  const Run& run_;
  std::vector<TrainingPair> pool_;
  std::unordered_set<std::string> solved_;  // ids of problems
};

}  // namespace

ArmResult run_expert_iteration(EktContext& context, const Run& run) {
  return ExpertIteration(context, run).run();
}

Course unfiltered_course(const EktContext& context) {
  return usual_course(context, unverified_pairs(context, verified_pairs(context, context.samples).size()));
}

}  // namespace limbeck::recipes
