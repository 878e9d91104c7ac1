// What a backward pass computes again instead of keeping it from the forward pass.
#pragma once

namespace limbeck::nn {

enum class Recompute {
  kNone,
  kMlp,  // the gate and up values of feed-forward blocks
};

}  // namespace limbeck::nn
