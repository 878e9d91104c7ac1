#include "train/averaging.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstddef>
#include <set>

#include "base/errors.h"

namespace limbeck::train {
namespace {

at::ScalarType type_of_mean(const at::Tensor& parameter) {
  return parameter.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

// Exchanges the bytes of two tensors of one shape and type.
void exchange(const at::Tensor& a, const at::Tensor& b) {
  if (!a.is_cpu() || !a.is_contiguous() || !b.is_contiguous()) {
    const at::Tensor held = a.clone();
    a.copy_(b);
    b.copy_(held);
    return;
  }
  auto *x = static_cast<std::byte*>(a.data_ptr()), *y = static_cast<std::byte*>(b.data_ptr());
  at::parallel_for(0, static_cast<int64_t>(a.nbytes()), 1 << 20,
                   [&](int64_t begin, int64_t end) { std::swap_ranges(x + begin, x + end, y + begin); });
}

}  // namespace

int64_t num_kept(const AveragingOptions& options) {
  if (options.kind == AveragingKind::kNone || options.kind == AveragingKind::kBest) return 0;
  return options.kind == AveragingKind::kLastK ? options.last + 1 : 1;  // the mean of the last ones is made anew
}

Averaging::Averaging(const std::vector<nn::NamedParameter>& parameters, const AveragingOptions& options,
                     const Length& length)
    : options_(options),
      first_(length.step_at(options.start)),
      every_(options.every > 0 ? options.every : std::max<int64_t>(1, length.steps_per_epoch)),
      num_taken_(at::zeros({1}, at::kLong)) {
  if (first_ + every_ > length.steps)
    user_fail("averaging", "expected weights to be taken every {} steps after step {} but training has {} steps",
              every_, first_, length.steps);
  std::set<const void*> seen;  // tied tensors
  for (const nn::NamedParameter& p : parameters)
    if (p.tensor->requires_grad() && seen.insert(p.tensor->const_data_ptr()).second) parameters_.push_back(p);
  kept_.resize(options.kind == AveragingKind::kLastK ? static_cast<std::size_t>(options.last) : 1);
  for (auto& tensors : kept_)
    for (const nn::NamedParameter& p : parameters_)
      tensors.push_back(
          at::zeros_like(p.tensor->detach(), p.tensor->options().dtype(type_of_mean(*p.tensor)).requires_grad(false)));
}

int64_t Averaging::num_snapshots() const {
  return *num_taken_.const_data_ptr<int64_t>();
}

void Averaging::after_step(int64_t step) {
  if (step > first_ && (step - first_) % every_ == 0) take();
}

void Averaging::take() {
  const at::NoGradGuard no_grad;
  const int64_t taken = num_snapshots();
  const bool ring = options_.kind == AveragingKind::kLastK;
  const auto& into = kept_[ring ? static_cast<std::size_t>(taken % options_.last) : 0];
  // mean += (weights - mean) / (n + 1), which is better conditioned in fp32 than (n · mean + weights) / (n + 1)
  const double share = options_.kind == AveragingKind::kEma ? 1 - options_.decay : 1 / static_cast<double>(taken + 1);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor weights = parameters_[i].tensor->detach().to(into[i].scalar_type());
    if (ring || taken == 0)
      at::Tensor(into[i]).copy_(weights);
    else
      at::Tensor(into[i]).lerp_(weights, share);
  }
  *num_taken_.mutable_data_ptr<int64_t>() = taken + 1;
}

formats::NamedTensors Averaging::state(const std::string& prefix) const {
  formats::NamedTensors all{{prefix + "taken", num_taken_}};
  for (std::size_t k = 0; k < kept_.size(); ++k)
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      all.emplace_back(fmt::format("{}{}.{}", prefix, k, parameters_[i].name), kept_[k][i]);
  return all;
}

std::vector<at::Tensor> Averaging::mean() const {
  if (options_.kind != AveragingKind::kLastK) return kept_[0];
  const int64_t taken = num_snapshots(), count = std::min(taken, options_.last);
  std::vector<at::Tensor> means;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor mean;
    for (int64_t k = 0; k < count; ++k) {  // the oldest first
      const at::Tensor& weights = kept_[static_cast<std::size_t>((taken - count + k) % options_.last)][i];
      mean = k == 0 ? weights.clone() : mean.lerp_(weights, 1 / static_cast<double>(k + 1));
    }
    means.push_back(mean);
  }
  return means;
}

void Averaging::put_in() {
  if (num_snapshots() == 0) return;
  const at::NoGradGuard no_grad;
  const auto means = mean();
  for (std::size_t i = 0; i < means.size(); ++i) parameters_[i].tensor->copy_(means[i]);
}

Averaging::Swapped::Swapped(Averaging& averaging, std::function<void()> changed)
    : averaging_(averaging), changed_(std::move(changed)) {
  if (averaging.num_snapshots() == 0) return;
  others_ = averaging.mean();
  for (std::size_t i = 0; i < others_.size(); ++i)  // a copy only where the parameter is of another type
    others_[i] = others_[i].to(averaging.parameters_[i].tensor->scalar_type());
  swap();
}

Averaging::Swapped::~Swapped() {
  if (!others_.empty()) swap();
}

void Averaging::Swapped::swap() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < others_.size(); ++i) exchange(averaging_.parameters_[i].tensor->detach(), others_[i]);
  if (changed_) changed_();
}

}  // namespace limbeck::train
