// AdamW (Loshchilov and Hutter, arXiv:1711.05101, algorithm 2): decoupled decay, two groups of parameters, one visit of
// each value a step. Moments are fp32 like the master weights. Without bias correction and with each tensor's gradient
// scaled by itself it is the optimiser of BERT's and TinyBERT's official code.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "nn/parameters.h"
#include "train/options.h"

namespace limbeck::train {

class Adamw {
 public:
  // Parameters that do not require gradients are left alone. Vectors (norms, biases) do not decay.
  Adamw(const std::vector<nn::NamedParameter>& parameters, const Options& options);

  // √Σ g² of each parameter and over all of them, in fp64; the same on any number of threads. Gradients that nothing
  // wrote count as 0.
  std::vector<double> gradient_norms() const;
  double gradient_norm() const;
  // One update with gradients multiplied by gradient_scale, or each by its own. A parameter without a gradient stays as
  // it is, as in torch.optim; the bias correction counts all steps, where torch counts those of each parameter.
  void step(double learning_rate, double gradient_scale);
  void step(double learning_rate, const std::vector<double>& gradient_scales);
  void clear_gradients();

  int64_t num_steps() const { return num_steps_; }
  void set_num_steps(int64_t num_steps) { num_steps_ = num_steps; }
  // The moments under "m.NAME" and "v.NAME"; writing into these tensors sets them.
  std::vector<std::pair<std::string, at::Tensor>> moments() const;

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter, m, v;
    bool decays;
  };
  std::vector<Slot> slots_;
  double weight_decay_, beta1_, beta2_, epsilon_;
  bool bias_correction_;
  int64_t num_steps_ = 0;
};

}  // namespace limbeck::train
