#include "train/adamw.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "base/errors.h"
#include "kernels/adamw.h"

namespace limbeck::train {
namespace {

constexpr int64_t kBlock =
    1 << 16;  // values that one thread takes at a time; sums over a block do not depend on the threads

struct Block {
  std::size_t slot;
  int64_t begin, size;
};

// Calls f(block index), on several threads where there is enough work to be worth waking them.
template <class F>
void for_each_block(const std::vector<Block>& blocks, const F& f) {
  const auto num_blocks = static_cast<int64_t>(blocks.size());
  int64_t values = 0;
  for (const Block& block : blocks) values += block.size;
  at::parallel_for(0, num_blocks, values < 2 * kBlock ? num_blocks : 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) f(b);
  });
}

bool by_kernel(const at::Tensor& t) {
  return t.device().is_cpu() && t.scalar_type() == at::kFloat && t.is_contiguous();
}

}  // namespace

Adamw::Adamw(const std::vector<nn::NamedParameter>& parameters, const Options& options)
    : weight_decay_(options.weight_decay),
      beta1_(options.beta1),
      beta2_(options.beta2),
      epsilon_(options.epsilon),
      bias_correction_(options.bias_correction) {
  for (const nn::NamedParameter& p : parameters) {
    if (!p.tensor->requires_grad()) continue;
    if (!p.tensor->is_contiguous()) fail("adamw", "parameter '{}': expected a contiguous tensor", p.name);
    const at::Tensor zeros = at::zeros_like(p.tensor->detach());
    slots_.push_back(
        {.name = p.name, .parameter = *p.tensor, .m = zeros, .v = zeros.clone(), .decays = p.tensor->dim() > 1});
  }
  if (slots_.empty()) fail("adamw", "expected at least one parameter that requires gradients but received none");
}

std::vector<double> Adamw::gradient_norms() const {
  std::vector<Block> blocks;
  std::vector<at::Tensor> gradients(slots_.size());
  std::vector<double> norms(slots_.size());  // squared, at first
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    const at::Tensor& gradient = slots_[s].parameter.grad();
    if (!gradient.defined()) continue;
    if (!by_kernel(gradient)) {
      norms[s] = gradient.to(at::kDouble).square().sum().item<double>();
      continue;
    }
    gradients[s] = gradient;
    for (int64_t begin = 0; begin < gradient.numel(); begin += kBlock)
      blocks.push_back({s, begin, std::min(kBlock, gradient.numel() - begin)});
  }
  std::vector<double> sums(blocks.size());
  for_each_block(blocks, [&](int64_t b) {
    const float* gradient = gradients[blocks[b].slot].const_data_ptr<float>();
    sums[b] = kernels::sum_of_squares(gradient + blocks[b].begin, blocks[b].size);
  });
  for (std::size_t b = 0; b < blocks.size(); ++b) norms[blocks[b].slot] += sums[b];
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
}

double Adamw::gradient_norm() const {
  double sum = 0;
  for (const double norm : gradient_norms()) sum += norm * norm;
  return std::sqrt(sum);
}

void Adamw::step(double learning_rate, double gradient_scale) {
  step(learning_rate, std::vector<double>(slots_.size(), gradient_scale));
}

void Adamw::step(double learning_rate, const std::vector<double>& gradient_scales) {
  const at::NoGradGuard no_grad;
  ++num_steps_;
  const double correction1 = bias_correction_ ? 1 - std::pow(beta1_, num_steps_) : 1,
               correction2 = bias_correction_ ? 1 - std::pow(beta2_, num_steps_) : 1;
  std::vector<Block> blocks;
  std::vector<at::Tensor> gradients(slots_.size());
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    Slot& slot = slots_[s];
    const at::Tensor& gradient = slot.parameter.grad();
    if (!gradient.defined()) continue;
    if (by_kernel(slot.parameter)) {
      gradients[s] = gradient.contiguous();
      for (int64_t begin = 0; begin < gradient.numel(); begin += kBlock)
        blocks.push_back({s, begin, std::min(kBlock, gradient.numel() - begin)});
      continue;
    }
    const at::Tensor scaled = gradient * gradient_scales[s];  // other devices and dtypes
    slot.m.mul_(beta1_).add_(scaled, 1 - beta1_);
    slot.v.mul_(beta2_).addcmul_(scaled, scaled, 1 - beta2_);
    if (slot.decays) slot.parameter.mul_(1 - learning_rate * weight_decay_);
    const at::Tensor root = (slot.v / correction2).sqrt_().add_(epsilon_);
    slot.parameter.addcdiv_(slot.m, root, -learning_rate / correction1);
  }
  kernels::AdamwCoefficients c{.learning_rate = static_cast<float>(learning_rate),
                               .beta1 = static_cast<float>(beta1_),
                               .beta2 = static_cast<float>(beta2_),
                               .epsilon = static_cast<float>(epsilon_),
                               .weight_decay = 0,
                               .correction1 = static_cast<float>(correction1),
                               .correction2 = static_cast<float>(correction2)};
  for_each_block(blocks, [&](int64_t b) {
    const Block& block = blocks[b];
    const Slot& slot = slots_[block.slot];
    auto mine = c;
    mine.weight_decay = slot.decays ? static_cast<float>(weight_decay_) : 0.0f;
    mine.gradient_scale = static_cast<float>(gradient_scales[block.slot]);
    kernels::adamw(slot.parameter.mutable_data_ptr<float>() + block.begin,
                   gradients[block.slot].const_data_ptr<float>() + block.begin,
                   slot.m.mutable_data_ptr<float>() + block.begin, slot.v.mutable_data_ptr<float>() + block.begin,
                   block.size, mine);
  });
}

void Adamw::clear_gradients() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad() = at::Tensor();
}

std::vector<std::pair<std::string, at::Tensor>> Adamw::moments() const {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const Slot& slot : slots_) {
    all.emplace_back("m." + slot.name, slot.m);
    all.emplace_back("v." + slot.name, slot.v);
  }
  return all;
}

}  // namespace limbeck::train
