// Where gradients of weights go. Autograd hands each over as a tensor of its own and adds it to what is there; for
// weights that is a copy of the model a forward pass. While one of these lives, backward passes in this thread write
// the gradients of leaves into .grad() themselves.
#pragma once

#include <ATen/core/Tensor.h>

namespace limbeck {

class GradientsInPlace {
 public:
  GradientsInPlace();
  ~GradientsInPlace();
  GradientsInPlace(const GradientsInPlace&) = delete;
  GradientsInPlace& operator=(const GradientsInPlace&) = delete;

 private:
  bool before_;
};

// Whether a backward pass is to write the gradient of this tensor into its .grad().
bool takes_gradient_in_place(const at::Tensor& tensor);

// What a backward pass returns for a tensor whose gradient is `gradient` (its own, not shared): in place, it becomes
// .grad() or is added to it, and nothing is left to return.
at::Tensor hand_over(const at::Tensor& tensor, at::Tensor gradient);

}  // namespace limbeck
