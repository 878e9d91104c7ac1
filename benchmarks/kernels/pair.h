// A kernel beside the ATen composition that it replaces, on the same operands, each held against the machine's peak.
// A bench file has one constant of type Pair per row of the table (docs/kernels.md).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/bfloat16.h"

namespace limbeck::benchmarks {

enum class Arithmetic { kFp32, kBf16, kInt8 };

// What one call must do at the least, whoever computes it. A kernel that does more (a table read twice, scores of the
// future) has a lower fraction of the peak for it.
struct Work {
  double operations = 0;  // a multiply-add is two; 0 where arithmetic is not the bound
  Arithmetic arithmetic = Arithmetic::kFp32;
  double bytes_read = 0, bytes_written = 0;  // operands and results once each
};

// Makes the operands and returns one call of the work. It is called again for each repetition.
using Body = std::function<void()>;
using Setup = std::function<Body()>;

// Registers the benchmarks "NAME/limbeck" and "NAME/aten" (where `aten` is set). Their counters: GF/s, GB/s, of_peak
// (least possible time over measured time), and the label "compute" or "memory", whichever is the longer bound.
// NAME is KERNEL/SHAPE, e.g. "rms_norm/2048x576 bf16".
class Pair {
 public:
  Pair(const std::string& name, const Work& work, Setup limbeck, Setup aten);
};

// Operands of one call, several times over, so that a call finds them in memory and not in the cache, as a layer of a
// model does after the other layers. next() goes round.
template <class Operands>
class Rotation {
 public:
  // `make` returns Operands that occupy `bytes`.
  Rotation(double bytes, const std::function<Operands()>& make) {
    constexpr double kTotal = 192.0 * (1 << 20);  // several times the caches
    const int count = bytes >= kTotal ? 1 : static_cast<int>(kTotal / bytes) + 1;
    for (int i = 0; i < count && i < kMost; ++i) all_.push_back(make());
  }
  Operands& next() { return all_[next_++ % all_.size()]; }

 private:
  static constexpr int kMost = 64;
  std::vector<Operands> all_;
  std::size_t next_ = 0;
};

// Normal numbers, the same in every run.
at::Tensor normal(at::IntArrayRef shape, at::ScalarType type = at::kFloat);

// The numbers of a tensor as the kernels take them.
inline float* fp32(const at::Tensor& tensor) {
  return tensor.data_ptr<float>();
}
inline kernels::BFloat16* bf16(const at::Tensor& tensor) {
  return static_cast<kernels::BFloat16*>(tensor.data_ptr());
}

// Runs `y` backward as a graph that stays; gradients are made anew each time, as in a training step.
void backward(const at::Tensor& y, const at::Tensor& dy, const std::vector<at::Tensor>& leaves);

}  // namespace limbeck::benchmarks
