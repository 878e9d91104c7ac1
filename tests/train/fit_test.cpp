#include "train/fit.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <set>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/message_of.h"
#include "base/progress.h"
#include "base/temporary_folder.h"
#include "train/averaging.h"
#include "train/tiny_model.h"

namespace limbeck::train {
namespace {

Options small_options() {
  return {.epochs = 4, .batch_size = 8, .micro_batch_tokens = 30, .learning_rate = 0.05, .warmup_steps = 3};
}

// Evaluations that rise and fall again: the best is at step 10 of 20.
class Peak : public Hooks {
 public:
  std::optional<double> evaluate(int64_t step) override { return -std::abs(static_cast<double>(step) - 10); }
};

class Fit : public testing::Test {
 protected:
  void SetUp() override {
    Progress::be_quiet(true);
    at::set_num_threads(1);  // so small a model runs no faster on more
  }
  TemporaryFolder folder_;
  std::vector<data::Example> examples_ = counting_texts(40);
};

double mean_loss(TinyModel& model, const std::vector<data::Example>& examples) {
  const at::NoGradGuard no_grad;
  const auto term = model.step()(data::collate(examples)).terms[0];
  return term.sum.item<double>() / term.count;
}

TEST_F(Fit, LearnsWhatCanBeLearned) {
  TinyModel model;
  Hooks hooks;
  auto options = small_options();
  options.epochs = 30;
  EXPECT_GT(mean_loss(model, examples_), 3.0);
  const auto result = fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / "run"), hooks);
  EXPECT_EQ(result.steps, 30 * 5);
  EXPECT_LT(mean_loss(model, examples_), 0.1);
}

TEST_F(Fit, GivesTheSameBytesTwiceAndOthersFromAnotherSeed) {
  TinyModel first, second, third;
  Hooks hooks;
  fit(first.trainable(), examples_, first.step(), small_options(), open_run(folder_ / "a"), hooks);
  fit(second.trainable(), examples_, second.step(), small_options(), open_run(folder_ / "b"), hooks);
  fit(third.trainable(), examples_, third.step(), small_options(), Run::open(folder_ / "c", "test", "", {}, Seed(10)),
      hooks);
  EXPECT_TRUE(same_bytes(first.weights(), second.weights()));
  EXPECT_FALSE(same_bytes(first.weights(), third.weights()));
}

class ThrowsAt : public Peak {
 public:
  explicit ThrowsAt(std::set<int64_t> steps) : steps_(std::move(steps)) {}
  void after_step(int64_t step) override {
    if (steps_.erase(step) > 0) throw Error("power cut");
  }

 private:
  std::set<int64_t> steps_;
};

TEST_F(Fit, GoesOnToTheSameBytesAfterFailuresAtAnyStep) {
  auto options = small_options();
  options.checkpoint_every = 3;
  options.evaluate_every = 2;
  TinyModel undisturbed;
  Peak peak;
  const auto expected =
      fit(undisturbed.trainable(), examples_, undisturbed.step(), options, open_run(folder_ / "a"), peak);
  EXPECT_EQ(expected.best_step, 10);

  ThrowsAt disturbed({1, 3, 4, 9, 10, 11, 19, 20});
  for (int attempt = 0; attempt < 8; ++attempt) {
    TinyModel model;
    EXPECT_THROW(fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / "b"), disturbed), Error);
  }
  TinyModel model;
  const auto result = fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / "b"), disturbed);
  EXPECT_TRUE(same_bytes(model.weights(), undisturbed.weights()));
  EXPECT_EQ(result.best_step, 10);
  EXPECT_EQ(result.last_loss, expected.last_loss);
}

TEST_F(Fit, EndsWithTheBestWeightsOrTheLastOnes) {
  auto options = small_options();
  options.evaluate_every = 5;
  TinyModel best, last, stopped;
  Peak peak;
  Hooks hooks;
  const auto result = fit(best.trainable(), examples_, best.step(), options, open_run(folder_ / "best"), peak);
  EXPECT_EQ(result.best_step, 10);
  EXPECT_EQ(result.best_metric, 0);
  options.keep_best = false;
  fit(last.trainable(), examples_, last.step(), options, open_run(folder_ / "last"), peak);
  EXPECT_FALSE(same_bytes(best.weights(), last.weights()));
  // The weights after ten steps of the same schedule, taken by a hook.
  class Taker : public Hooks {
   public:
    explicit Taker(TinyModel& model) : model_(model) {}
    void after_step(int64_t step) override {
      if (step != 10) return;
      for (const auto& w : model_.weights()) taken.push_back(w.clone());
    }
    std::vector<at::Tensor> taken;

   private:
    TinyModel& model_;
  } taker(stopped);
  fit(stopped.trainable(), examples_, stopped.step(), options, open_run(folder_ / "taken"), taker);
  EXPECT_TRUE(same_bytes(best.weights(), taker.taken));
  EXPECT_TRUE(same_bytes(last.weights(), stopped.weights()));
}

TEST_F(Fit, ReturnsTheSameWeightsWhenAFinishedRunIsAskedForAgain) {
  TinyModel first, second;
  Peak peak;
  const auto expected =
      fit(first.trainable(), examples_, first.step(), small_options(), open_run(folder_ / "run"), peak);
  const Step never = [](const data::Batch&) -> objectives::Loss { throw Error("a finished run has no step"); };
  const auto result = fit(second.trainable(), examples_, never, small_options(), open_run(folder_ / "run"), peak);
  EXPECT_TRUE(same_bytes(first.weights(), second.weights()));
  EXPECT_EQ(result.best_metric, expected.best_metric);
  EXPECT_EQ(result.steps, 20);
}

TEST_F(Fit, LeavesOneCheckpointAndNoTemporaryFilesBehind) {
  auto options = small_options();
  options.checkpoint_every = 2;
  TinyModel model;
  Peak peak;
  fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / "run"), peak);
  std::set<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "run"))
    if (entry.is_directory()) folders.insert(entry.path().filename().string());
  EXPECT_EQ(folders, (std::set<std::string>{"checkpoint-20", "tensorboard"}));
}

TEST_F(Fit, KeepsTheNewestCheckpointsWhileItRuns) {
  auto options = small_options();
  options.checkpoint_every = 2;
  options.keep_checkpoints = 2;
  options.keep_best = false;
  TinyModel model;
  ThrowsAt hooks({9});
  EXPECT_THROW(fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / "run"), hooks), Error);
  for (int step : {2, 4, 6, 8})
    EXPECT_EQ(std::filesystem::exists(folder_ / "run" / fmt::format("checkpoint-{}", step)), step >= 6) << step;
}

TEST_F(Fit, RefusesACheckpointOfOtherOptionsOrData) {
  auto options = small_options();
  options.checkpoint_every = 2;
  TinyModel model;
  ThrowsAt hooks({5});
  EXPECT_THROW(fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / "run"), hooks), Error);
  auto other = options;
  other.learning_rate = 0.01;
  EXPECT_NE(message_of<UserError>([&] {
              fit(model.trainable(), examples_, model.step(), other, open_run(folder_ / "run"), hooks);
            }).find("same options, data and model"),
            std::string::npos);
  EXPECT_THROW(fit(model.trainable(), counting_texts(39), model.step(), options, open_run(folder_ / "run"), hooks),
               UserError);
}

TEST_F(Fit, NamesTheStepWhoseLossIsNotANumber) {
  TinyModel model;
  Hooks hooks;
  int calls = 0;
  const Step bad = [&](const data::Batch& batch) {
    auto loss = model.step()(batch);
    if (++calls > 12) loss.terms[0].sum = loss.terms[0].sum * NAN;
    return loss;
  };
  auto options = small_options();
  options.micro_batch_tokens = 100000;
  const auto text =
      message_of([&] { fit(model.trainable(), examples_, bad, options, open_run(folder_ / "run"), hooks); });
  EXPECT_NE(text.find("step 13 of 20"), std::string::npos) << text;
  EXPECT_NE(text.find("learning rate"), std::string::npos) << text;
}

TEST_F(Fit, PassesOverStepsThatAreNotFiniteWhenAsked) {
  TinyModel model;
  Hooks hooks;
  int calls = 0;
  const Step bad = [&](const data::Batch& batch) {
    auto loss = model.step()(batch);
    if (++calls == 5) loss.terms[0].sum = loss.terms[0].sum * INFINITY;
    return loss;
  };
  auto options = small_options();
  options.micro_batch_tokens = 100000;
  options.not_finite = NotFinite::kSkip;
  const auto result = fit(model.trainable(), examples_, bad, options, open_run(folder_ / "run"), hooks);
  EXPECT_EQ(result.skipped_steps, 1);
  EXPECT_TRUE(std::isfinite(result.last_loss));
  for (const auto& w : model.weights()) EXPECT_TRUE(w.isfinite().all().item<bool>());
}

TEST_F(Fit, WritesALogRowForEveryStepAndEvaluation) {
  TinyModel model;
  Peak peak;
  fit(model.trainable(), examples_, model.step(), small_options(), open_run(folder_ / "run"), peak);
  int64_t steps = 0, evaluations = 0;
  read_jsonl(folder_ / "run" / "log.jsonl", [&](const Json& row, int64_t) {
    if (row["kind"] == "evaluation") ++evaluations;
    if (row["kind"] != "step") return;
    EXPECT_EQ(row["step"], ++steps);
    EXPECT_GT(row["tokens_per_second"].get<double>(), 0);
    EXPECT_GT(row["gradient_norm"].get<double>(), 0);
  });
  EXPECT_EQ(steps, 20);
  EXPECT_EQ(evaluations, 4);
}

TEST_F(Fit, WritesCurvesForTensorBoard) {
  TinyModel model;
  Peak peak;
  fit(model.trainable(), examples_, model.step(), small_options(), open_run(folder_ / "run"), peak);
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "run" / "tensorboard"))
    bytes += read_file(entry.path());
  for (const char* tag : {"train/loss", "train/learning_rate", "evaluation/metric"})
    EXPECT_NE(bytes.find(tag), std::string::npos) << tag;
}

TEST_F(Fit, RunsAFractionOfAnEpochOrAGivenNumberOfSteps) {
  Hooks hooks;
  auto options = small_options();
  options.epochs = 0.5;
  TinyModel half, seven;
  EXPECT_EQ(fit(half.trainable(), examples_, half.step(), options, open_run(folder_ / "half"), hooks).steps, 3);
  options.max_steps = 7;
  EXPECT_EQ(fit(seven.trainable(), examples_, seven.step(), options, open_run(folder_ / "seven"), hooks).steps, 7);
}

// Takes the weights after every step, and what evaluations see.
class Path : public Hooks {
 public:
  explicit Path(TinyModel& model) : model_(model) {}
  void after_step(int64_t) override { steps.push_back(copies()); }
  std::optional<double> evaluate(int64_t step) override {
    evaluated.emplace_back(step, copies());
    return -std::abs(static_cast<double>(step) - 10);
  }
  std::vector<std::vector<at::Tensor>> steps;
  std::vector<std::pair<int64_t, std::vector<at::Tensor>>> evaluated;

 private:
  std::vector<at::Tensor> copies() const {
    std::vector<at::Tensor> all;
    for (const auto& w : model_.weights()) all.push_back(w.clone());
    return all;
  }
  TinyModel& model_;
};

Options averaged(AveragingKind kind) {
  auto options = small_options();  // 20 steps
  options.evaluate_every = 7;
  options.averaging = {.kind = kind, .start = 0.4, .every = 3};
  return options;
}

// The mean of the weights after the given steps (counted from 1), in float64.
std::vector<at::Tensor> mean_of(const Path& path, const std::vector<int64_t>& steps) {
  std::vector<at::Tensor> means;
  for (std::size_t i = 0; i < path.steps[0].size(); ++i) {
    at::Tensor sum = at::zeros_like(path.steps[0][i], at::kDouble);
    for (const int64_t step : steps) sum += path.steps[static_cast<std::size_t>(step - 1)][i];
    means.push_back(sum / static_cast<double>(steps.size()));
  }
  return means;
}

void expect_near(const std::vector<at::Tensor>& weights, const std::vector<at::Tensor>& expected) {
  for (std::size_t i = 0; i < weights.size(); ++i)
    EXPECT_LT((weights[i].to(at::kDouble) - expected[i]).abs().max().item<double>(), 1e-6) << i;
}

TEST_F(Fit, EndsWithTheMeanOfTheWeightsThatItWentThroughWhenAsked) {
  TinyModel model;
  Path path(model);
  fit(model.trainable(), examples_, model.step(), averaged(AveragingKind::kSwa), open_run(folder_ / "run"), path);
  expect_near(model.weights(), mean_of(path, {11, 14, 17, 20}));
  EXPECT_FALSE(same_bytes(model.weights(), path.steps.back()));
}

TEST_F(Fit, EvaluatesTheMeanAndGoesOnFromTheWeightsThemselves) {
  TinyModel model, undisturbed;
  Path path(model), plain(undisturbed);
  fit(model.trainable(), examples_, model.step(), averaged(AveragingKind::kSwa), open_run(folder_ / "run"), path);
  auto options = averaged(AveragingKind::kNone);
  options.keep_best = false;
  fit(undisturbed.trainable(), examples_, undisturbed.step(), options, open_run(folder_ / "plain"), plain);
  for (std::size_t i = 0; i < plain.steps.size(); ++i)
    EXPECT_TRUE(same_bytes(path.steps[i], plain.steps[i])) << i;  // bit for bit, through three evaluations
  ASSERT_EQ(path.evaluated.size(), 3u);
  EXPECT_EQ(path.evaluated[1].first, 14);
  EXPECT_TRUE(same_bytes(path.evaluated[0].second, path.steps[6]));  // before the start there is no mean
  expect_near(path.evaluated[1].second, mean_of(path, {11, 14}));
  expect_near(path.evaluated[2].second, mean_of(path, {11, 14, 17, 20}));
}

TEST_F(Fit, EndsWithTheExponentialMeanOrThatOfTheLastWeightsOrTheBest) {
  TinyModel ema, last, best;
  Path of_ema(ema), of_last(last), of_best(best);
  auto options = averaged(AveragingKind::kEma);
  options.averaging.decay = 0.75;
  fit(ema.trainable(), examples_, ema.step(), options, open_run(folder_ / "ema"), of_ema);
  std::vector<at::Tensor> expected;
  for (std::size_t i = 0; i < 3; ++i) {
    at::Tensor mean = of_ema.steps[10][i].to(at::kDouble);
    for (const std::size_t step : {13, 16, 19}) mean = 0.75 * mean + 0.25 * of_ema.steps[step][i];
    expected.push_back(mean);
  }
  expect_near(ema.weights(), expected);

  options = averaged(AveragingKind::kLastK);
  options.averaging.last = 2;
  options.averaging.every = 0;  // an epoch: 5 steps; from step 8 on: 13 and 18
  fit(last.trainable(), examples_, last.step(), options, open_run(folder_ / "last"), of_last);
  expect_near(last.weights(), mean_of(of_last, {13, 18}));

  options = averaged(AveragingKind::kBest);
  options.keep_best = false;  // averaging says it
  options.evaluate_every = 5;
  fit(best.trainable(), examples_, best.step(), options, open_run(folder_ / "best"), of_best);
  EXPECT_TRUE(same_bytes(best.weights(), of_best.steps[9]));
}

TEST_F(Fit, GoesOnToTheSameMeanAfterFailuresAtAnyStep) {
  for (const auto kind : {AveragingKind::kSwa, AveragingKind::kEma, AveragingKind::kLastK}) {
    auto options = averaged(kind);
    options.checkpoint_every = 2;
    const std::string name = std::to_string(static_cast<int>(kind));
    TinyModel undisturbed;
    Peak peak;
    fit(undisturbed.trainable(), examples_, undisturbed.step(), options, open_run(folder_ / (name + "a")), peak);
    ThrowsAt disturbed({5, 11, 12, 17, 20});
    for (int attempt = 0; attempt < 5; ++attempt) {
      TinyModel model;
      EXPECT_THROW(
          fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / (name + "b")), disturbed), Error);
    }
    TinyModel model;
    fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / (name + "b")), disturbed);
    EXPECT_TRUE(same_bytes(model.weights(), undisturbed.weights()));
    TinyModel again;  // a finished run
    fit(again.trainable(), examples_, again.step(), options, open_run(folder_ / (name + "b")), disturbed);
    EXPECT_TRUE(same_bytes(again.weights(), undisturbed.weights()));
  }
}

// Two means that follow one run: a hook's own, which checkpoints keep.
class TwoMeans : public ThrowsAt {
 public:
  TwoMeans(TinyModel& model, const Options& options, std::set<int64_t> failures)
      : ThrowsAt(std::move(failures)),
        early(model.trainable().parameters, {.kind = AveragingKind::kSwa, .start = 0.25, .every = 1},
              length_of(40, options)),
        late(model.trainable().parameters, {.kind = AveragingKind::kSwa, .start = 0.75, .every = 2},
             length_of(40, options)) {}
  void after_step(int64_t step) override {
    early.after_step(step);
    late.after_step(step);
    ThrowsAt::after_step(step);
  }
  formats::NamedTensors state() override {
    auto all = early.state("early.");
    for (auto& tensor : late.state("late.")) all.push_back(tensor);
    return all;
  }
  Averaging early, late;
};

TEST_F(Fit, KeepsWhatAHookKeepsThroughFailuresAndInAFinishedRun) {
  auto options = small_options();
  options.keep_best = false;
  options.checkpoint_every = 2;
  TinyModel model;
  Path path(model);
  fit(model.trainable(), examples_, model.step(), options, open_run(folder_ / "a"), path);
  TinyModel failing;
  {
    TwoMeans hooks(failing, options, {17});
    EXPECT_THROW(fit(failing.trainable(), examples_, failing.step(), options, open_run(folder_ / "b"), hooks), Error);
  }
  for (int again = 0; again < 2; ++again) {  // goes on; then is asked for when it is finished
    TinyModel next;
    TwoMeans hooks(next, options, {});
    fit(next.trainable(), examples_, next.step(), options, open_run(folder_ / "b"), hooks);
    EXPECT_TRUE(same_bytes(next.weights(), model.weights()));
    EXPECT_EQ(hooks.early.num_snapshots(), 15);
    EXPECT_EQ(hooks.late.num_snapshots(), 2);
    {
      const Averaging::Swapped swapped(hooks.late, {});
      expect_near(next.weights(), mean_of(path, {17, 19}));
    }
    EXPECT_TRUE(same_bytes(next.weights(), model.weights()));
  }
}

// The tiny model with a batch norm: running mean and variance are measured by forward passes, not learned.
struct NormedModel : TinyModel {
  at::Tensor running_mean = at::zeros({kWidth}), running_variance = at::ones({kWidth});
  bool training = true;
  double momentum = 0.1;

  objectives::Loss loss(const data::Batch& batch) {
    const at::Tensor normed = at::batch_norm(embedding.index_select(0, batch.ids), {}, bias, running_mean,
                                             running_variance, training, momentum, 1e-5, false);
    return {{objectives::cross_entropy(normed, weight, batch.targets, batch.weights)}};
  }
  Trainable with_statistics(const std::vector<data::Example>& examples) {
    Trainable all = trainable();
    all.statistics = {{"running_mean", &running_mean}, {"running_variance", &running_variance}};
    all.measure_statistics = [this, &examples] {  // one pass over all: momentum 1 replaces what was there
      const at::NoGradGuard no_grad;
      momentum = 1;
      loss(data::collate(examples));
      momentum = 0.1;
    };
    return all;
  }
};

TEST_F(Fit, MeasuresTheStatisticsOfABatchNormAnewForAveragedWeights) {
  NormedModel model, plain;
  const auto run = [&](NormedModel& m, AveragingKind kind, const char* name) {
    const Step step = [&m](const data::Batch& batch) { return m.loss(batch); };
    auto options = averaged(kind);
    options.keep_best = false;
    Peak peak;
    fit(m.with_statistics(examples_), examples_, step, options, open_run(folder_ / name), peak);
  };
  run(model, AveragingKind::kSwa, "swa");
  run(plain, AveragingKind::kNone, "plain");
  const at::Tensor seen = model.embedding.detach().index_select(0, data::collate(examples_).ids);
  EXPECT_TRUE(at::allclose(model.running_mean, seen.mean({0}), 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(model.running_variance, seen.var({0}), 1e-4, 1e-5));
  EXPECT_FALSE(at::allclose(plain.running_mean, model.running_mean, 1e-4, 1e-5));
  NormedModel again;
  run(again, AveragingKind::kSwa, "swa");  // finished: the statistics come back with the weights
  EXPECT_TRUE(again.running_mean.equal(model.running_mean));
}

// A run in a process of its own, for the tests below: the folder in LIMBECK_FIT_FOLDER is trained and the weights are
// written.
class SlowFit : public testing::Test {
 protected:
  static Options options() {
    auto options = small_options();
    options.epochs = 12;
    options.checkpoint_every = 3;
    options.evaluate_every = 7;
    if (std::getenv("LIMBECK_FIT_AVERAGING") != nullptr)
      options.averaging = {.kind = AveragingKind::kSwa, .start = 0.3, .every = 2};
    return options;
  }
  // Signals the child once it has taken `after_steps` steps more than a process before it, and a moment later.
  static int run_child(const std::filesystem::path& folder, int signal, int64_t after_steps = 0,
                       int64_t microseconds = 0) {
    const int64_t wanted = num_lines(folder / "log.jsonl") + after_steps;
    const std::string setting = "LIMBECK_FIT_FOLDER=" + folder.string();
    std::vector<char*> environment;
    for (char** e = environ; *e != nullptr; ++e) environment.push_back(*e);
    environment.push_back(const_cast<char*>(setting.c_str()));
    environment.push_back(const_cast<char*>("OMP_NUM_THREADS=1"));  // so small a model runs no faster on more
    environment.push_back(nullptr);
    const std::vector<const char*> arguments{"train_test", "--gtest_filter=SlowFit.DISABLED_Child",
                                             "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr};
    pid_t child = 0;
    if (posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(arguments.data()),
                    environment.data()) != 0)
      throw Error("cannot start a process");
    int status = 0;
    if (signal != 0) {
      while (num_lines(folder / "log.jsonl") < wanted)
        if (usleep(1000); waitpid(child, &status, WNOHANG) == child) return status;
      usleep(static_cast<useconds_t>(microseconds));
      kill(child, signal);
    }
    waitpid(child, &status, 0);
    return status;
  }
  static void expect_same_bytes_after_kills();
  static int64_t num_lines(const std::filesystem::path& file) {
    if (!std::filesystem::exists(file)) return 0;
    const std::string bytes = read_file(file);
    return std::count(bytes.begin(), bytes.end(), '\n');
  }
};

TEST_F(SlowFit, DISABLED_Child) {
  const char* folder = std::getenv("LIMBECK_FIT_FOLDER");
  ASSERT_NE(folder, nullptr) << "started by the tests below";
  Progress::be_quiet(true);
  catch_interrupts();
  const auto examples = counting_texts(40);
  TinyModel model;
  Peak peak;
  try {
    fit(model.trainable(), examples, model.step(), options(), open_run(folder), peak);
  } catch (const Interrupted& e) {
    std::_Exit(128 + e.signal());
  }
  std::string bytes;
  for (const auto& w : model.weights()) bytes.append(static_cast<const char*>(w.const_data_ptr()), w.nbytes());
  write_file_atomically(std::filesystem::path(folder) / "weights.bin", bytes);
}

class SlowAveragedFit : public SlowFit {
 protected:
  void SetUp() override { setenv("LIMBECK_FIT_AVERAGING", "swa", 1); }
  void TearDown() override { unsetenv("LIMBECK_FIT_AVERAGING"); }
};

TEST_F(SlowAveragedFit, EndsInTheSameMeanAfterKillsAtRandomMoments) {
  expect_same_bytes_after_kills();
}

TEST_F(SlowFit, EndsInTheSameBytesAfterKillsAtRandomMoments) {
  expect_same_bytes_after_kills();
}

void SlowFit::expect_same_bytes_after_kills() {
  TemporaryFolder folder;
  ASSERT_EQ(run_child(folder / "undisturbed", 0), 0);
  const int64_t whole = num_lines(folder / "undisturbed" / "log.jsonl");
  const std::string expected = read_file(folder / "undisturbed" / "weights.bin");

  Random random{Seed(static_cast<uint64_t>(getpid()))};
  int killed = 0;
  for (int round = 0; round < 3; ++round) {
    const auto run = folder / fmt::format("killed-{}", round);
    int status = 1;
    for (int attempt = 0; attempt < 12; ++attempt) {
      status = run_child(run, SIGKILL, 1 + static_cast<int64_t>(random.below(whole / 3 + 1)),
                         static_cast<int64_t>(random.below(20000)));
      if (WIFEXITED(status)) break;
      ++killed;
    }
    if (!WIFEXITED(status)) status = run_child(run, 0);
    ASSERT_EQ(status, 0);
    EXPECT_EQ(read_file(run / "weights.bin"), expected) << "round " << round;
  }
  EXPECT_GT(killed, 2) << "the kills came too late to test anything";
}

TEST_F(SlowFit, SavesOnCtrlCAndGoesOnToTheSameBytes) {
  TemporaryFolder folder;
  ASSERT_EQ(run_child(folder / "undisturbed", 0), 0);
  const int64_t whole = num_lines(folder / "undisturbed" / "log.jsonl");
  int status = 0, interrupted = 0;
  for (int i = 0; i < 3; ++i) {
    status = run_child(folder / "run", SIGINT, whole / 4);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 130) ++interrupted;
  }
  status = run_child(folder / "run", 0);
  ASSERT_EQ(status, 0);
  EXPECT_GT(interrupted, 0);
  EXPECT_EQ(read_file(folder / "run" / "weights.bin"), read_file(folder / "undisturbed" / "weights.bin"));
}

}  // namespace
}  // namespace limbeck::train
