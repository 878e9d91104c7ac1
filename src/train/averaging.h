// Means of the weights that training goes through, kept beside the weights themselves. The optimiser never sees them.
//   swa      the uniform mean (Izmailov et al., arXiv:1803.05407; for fine-tuning Lu et al., arXiv:2212.05956)
//   ema      m · mean + (1 - m) · weights, from the first weights taken on
//   last-k   the uniform mean of the last k weights taken, as one takes the mean of the last checkpoints
// Weights are taken after step t0 + c, t0 + 2c, … of the run, counted from 1. Means are fp32 (fp64 for fp64 weights),
// whatever the weights are. Several may follow one run: each is an Averaging of its own.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "formats/safetensors.h"
#include "nn/parameters.h"
#include "train/options.h"
#include "train/schedule.h"

namespace limbeck::train {

// How many copies of the weights such a mean has beside them, at most.
int64_t num_kept(const AveragingOptions& options);

class Averaging {
 public:
  // Of the parameters that require gradients, tensors of the same memory once. Throws UserError when no weights would
  // be taken in a run of this length.
  Averaging(const std::vector<nn::NamedParameter>& parameters, const AveragingOptions& options, const Length& length);

  void after_step(int64_t step);  // steps done so far
  int64_t num_snapshots() const;  // weights taken
  // What a checkpoint keeps, with names that begin with `prefix`; writing into these tensors sets them.
  formats::NamedTensors state(const std::string& prefix) const;

  // While one of these lives the parameters hold the mean (where weights have been taken); then their own bytes again.
  // `changed` is called each time.
  class Swapped {
   public:
    Swapped(Averaging& averaging, std::function<void()> changed);
    ~Swapped();
    Swapped(const Swapped&) = delete;
    Swapped& operator=(const Swapped&) = delete;

   private:
    void swap();
    Averaging& averaging_;
    std::function<void()> changed_;
    std::vector<at::Tensor> others_;  // what stands where the parameters are not
  };

  void put_in();  // the parameters become the mean, for good

 private:
  std::vector<at::Tensor> mean() const;  // the kept tensors themselves where they are one mean
  void take();

  std::vector<nn::NamedParameter> parameters_;
  AveragingOptions options_;
  int64_t first_ = 0, every_ = 1;
  std::vector<std::vector<at::Tensor>> kept_;  // one mean, or the last k weights in a ring
  at::Tensor num_taken_;                       // [1] int64
};

}  // namespace limbeck::train
