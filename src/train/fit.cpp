#include "train/fit.h"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>
#include <optional>

#include "base/errors.h"
#include "base/interrupt.h"
#include "base/phases.h"
#include "base/profile.h"
#include "base/progress.h"
#include "data/order.h"
#include "formats/tensorboard.h"
#include "train/accumulate.h"
#include "train/adamw.h"
#include "train/averaging.h"
#include "train/checkpoint.h"
#include "train/identity.h"
#include "train/kept_memory.h"
#include "train/schedule.h"

namespace limbeck::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool keeps_a_mean(const Options& options) {
  return options.averaging.kind != AveragingKind::kNone && options.averaging.kind != AveragingKind::kBest;
}

bool keeps_best(const Options& options) {
  return options.averaging.kind == AveragingKind::kBest ||
         (options.averaging.kind == AveragingKind::kNone && options.keep_best);
}

std::vector<nn::NamedParameter> with_statistics(const Trainable& model) {
  auto all = model.parameters;
  all.insert(all.end(), model.statistics.begin(), model.statistics.end());
  return all;
}

// Statistics of a model while its weights are a mean; then the ones before again.
class MeasuredStatistics {
 public:
  explicit MeasuredStatistics(const Trainable& model) : model_(model) {
    for (const auto& p : model.statistics) before_.push_back(p.tensor->clone());
    if (model.measure_statistics) model.measure_statistics();
  }
  ~MeasuredStatistics() {
    for (std::size_t i = 0; i < before_.size(); ++i) model_.statistics[i].tensor->copy_(before_[i]);
  }
  MeasuredStatistics(const MeasuredStatistics&) = delete;
  MeasuredStatistics& operator=(const MeasuredStatistics&) = delete;

 private:
  const Trainable& model_;
  std::vector<at::Tensor> before_;
};

class Fit {
 public:
  Fit(const Trainable& model, const std::vector<data::Example>& examples, const Step& step, const Options& options,
      const Run& run, Hooks& hooks)
      : model_(model),
        examples_(examples),
        step_(step),
        options_(options),
        run_(run),
        hooks_(hooks),
        order_(static_cast<int64_t>(examples.size()), options.batch_size, run.seed().derive("order")),
        length_(length_of(static_cast<int64_t>(examples.size()), options)),
        total_(length_.steps),
        optimiser_(model.parameters, options),
        averaging_(averaging_of(model, options, length_)),
        checkpoints_(run, with_statistics(model), optimiser_,
                     identity_of(model.parameters, examples, options, run.seed()), options.keep_checkpoints,
                     {.working = averaging_ ? averaging_->state("averaged.") : formats::NamedTensors{},
                      .lasting = hooks.state()}) {}

  Result run() {
    state_ = checkpoints_.restore();
    if (state_.step > 0) changed();
    if (!state_.finished) {
      train();
      if (averaging_) end_with_mean();
      checkpoints_.finish(state_, keeps_best(options_) && state_.best_step > 0);
      changed();
    }
    return {.steps = state_.step,
            .last_loss = state_.last_loss,
            .best_metric = state_.best_metric,
            .best_step = state_.best_step,
            .skipped_steps = state_.skipped_steps};
  }

 private:
  static std::optional<Averaging> averaging_of(const Trainable& model, const Options& options, const Length& length) {
    if (!keeps_a_mean(options)) return std::nullopt;
    return Averaging(model.parameters, options.averaging, length);
  }

  void end_with_mean() {
    averaging_->put_in();
    changed();
    if (model_.measure_statistics) model_.measure_statistics();
  }

  void train() {
    const Phase phase("train", "train");
    const KeptMemory kept;
    Progress progress("training", "steps", total_, state_.step);
    curves_.emplace(run_.path("tensorboard"), state_.step + 1);  // the first step that is written from here on
    saved_at_ = Clock::now();
    saved_step_ = state_.step;
    while (true) {
      if (evaluation_due()) evaluate();
      if (state_.step == total_) break;
      if (checkpoint_due()) save();
      stop_if_interrupted();
      one_step();
      progress.set(state_.step, fmt::format("loss {:.4f}", state_.last_loss));
    }
    progress.finish(fmt::format("loss {:.4f}", state_.last_loss));
  }

  void one_step() {
    const auto start = Clock::now();
    const double rate = learning_rate_at(state_.step, total_, options_);
    hooks_.before_step(state_.step);
    const auto batch = accumulate_gradients(examples_, order_.batch(state_.step), options_.micro_batch_tokens, step_,
                                            [this] { stop_if_interrupted(); });
    const auto norms = gradient_norms(batch.gradient_scale);
    const double norm = whole_norm(norms);
    const bool finite = std::isfinite(batch.loss) && std::isfinite(norm);
    if (!finite && options_.not_finite == NotFinite::kStop) not_finite(batch.loss, norm, rate);
    if (finite) {
      {
        const Phase phase("optimiser", "train");
        optimiser_.step(rate, gradient_scales(norms, norm, batch.gradient_scale));
      }
      changed();
      state_.last_loss = batch.loss;
    } else {
      ++state_.skipped_steps;
    }
    optimiser_.clear_gradients();
    ++state_.step;
    if (averaging_) averaging_->after_step(state_.step);
    hooks_.after_step(state_.step);
    log(batch, rate, norm, seconds_since(start));
  }

  // Of each parameter's gradient, once it is that of the loss.
  std::vector<double> gradient_norms(double scale) const {
    const Phase phase("gradient norm", "train");
    auto norms = optimiser_.gradient_norms();
    for (double& norm : norms) norm *= scale;
    return norms;
  }

  static double whole_norm(const std::vector<double>& norms) {
    double sum = 0;
    for (const double norm : norms) sum += norm * norm;
    return std::sqrt(sum);
  }

  // What each parameter's gradient is multiplied by, clipping included.
  std::vector<double> gradient_scales(const std::vector<double>& norms, double whole, double scale) const {
    std::vector<double> scales;
    for (const double norm : norms) {
      const double clipped = options_.clip == Clip::kEach ? norm : whole;
      scales.push_back(options_.clip_norm > 0 ? scale * std::min(1.0, options_.clip_norm / (clipped + 1e-6)) : scale);
    }
    return scales;
  }

  void evaluate() {
    const Phase phase("evaluate", "train");
    try {
      const auto metric = evaluated();
      if (metric) {
        const bool better = std::isfinite(*metric) && (state_.best_step == 0 || *metric > state_.best_metric);
        if (better && keeps_best(options_)) checkpoints_.save_best(state_.step);
        if (better) state_.best_step = state_.step, state_.best_metric = *metric;
        curves_->scalar(state_.step, "evaluation/metric", *metric);
        run_.log({{"kind", "evaluation"}, {"step", state_.step}, {"metric", *metric}, {"best", better}});
      }
    } catch (const Interrupted&) {
      save();  // the next process begins with this evaluation
      throw;
    }
    state_.evaluated_step = state_.step;
  }

  std::optional<double> evaluated() {
    if (!averaging_ || averaging_->num_snapshots() == 0) return hooks_.evaluate(state_.step);
    const Averaging::Swapped mean(*averaging_, model_.weights_changed);
    const MeasuredStatistics statistics(model_);
    return hooks_.evaluate(state_.step);
  }

  bool evaluation_due() const {
    if (state_.step == 0 || state_.evaluated_step == state_.step) return false;
    const int64_t every = options_.evaluate_every > 0 ? options_.evaluate_every : order_.steps_per_epoch();
    return state_.step % every == 0 || state_.step == total_;
  }

  bool checkpoint_due() const {
    if (state_.step == saved_step_) return false;
    if (options_.checkpoint_every > 0 && state_.step % options_.checkpoint_every == 0) return true;
    return options_.checkpoint_minutes > 0 && seconds_since(saved_at_) > 60 * options_.checkpoint_minutes;
  }

  void save() {
    const Phase phase("checkpoint", "train");
    checkpoints_.save(state_);
    saved_at_ = Clock::now();
    saved_step_ = state_.step;
  }

  // Weights are those after state_.step steps here, also between the forward passes of a step.
  void stop_if_interrupted() {
    const int signal = interrupted();
    if (signal == 0) return;
    optimiser_.clear_gradients();
    if (state_.step != saved_step_) save();
    throw Interrupted(signal, fmt::format("saved after step {} of {}; the same command goes on from {}", state_.step,
                                          total_, run_.folder().string()));
  }

  [[noreturn]] void not_finite(double loss, double norm, double rate) {
    fail("fit",
         "step {} of {}: expected a finite loss and gradient but received loss {} and gradient norm {} (the loss of "
         "the step "
         "before: {:.4f}); try a learning rate below {}, more warmup_steps, or precision=fp32; not_finite=skip passes "
         "over "
         "such steps",
         state_.step + 1, total_, loss, norm, state_.last_loss, rate);
  }

  void log(const Accumulated& batch, double rate, double norm, double seconds) {
    record_count("loss", batch.loss);
    record_count("tokens a second", static_cast<double>(batch.num_tokens) / seconds);
    Json row = {{"kind", "step"},
                {"step", state_.step},
                {"epoch", static_cast<double>(state_.step) / static_cast<double>(order_.steps_per_epoch())},
                {"loss", batch.loss},
                {"learning_rate", rate},
                {"gradient_norm", norm},
                {"tokens", batch.num_tokens},
                {"seconds", seconds},
                {"tokens_per_second", static_cast<double>(batch.num_tokens) / seconds}};
    curves_->scalars(state_.step, {{"train/loss", batch.loss},
                                   {"train/learning_rate", rate},
                                   {"train/gradient_norm", norm},
                                   {"train/tokens_per_second", row["tokens_per_second"].get<double>()}});
    if (batch.terms.size() > 1)
      for (const auto& [name, mean] : batch.terms) row["terms"][name] = mean;
    run_.log(row);
  }

  void changed() {
    if (model_.weights_changed) model_.weights_changed();
  }

  const Trainable& model_;
  const std::vector<data::Example>& examples_;
  const Step& step_;
  const Options& options_;
  const Run& run_;
  Hooks& hooks_;
  data::Order order_;
  const Length length_;
  const int64_t total_;
  Adamw optimiser_;
  std::optional<Averaging> averaging_;
  Checkpoints checkpoints_;
  State state_;
  std::optional<formats::TensorBoardWriter> curves_;
  Clock::time_point saved_at_;
  int64_t saved_step_ = 0;
};

}  // namespace

Result fit(const Trainable& model, const std::vector<data::Example>& examples, const Step& step, const Options& options,
           const Run& run, Hooks& hooks) {
  return Fit(model, examples, step, options, run, hooks).run();
}

}  // namespace limbeck::train
