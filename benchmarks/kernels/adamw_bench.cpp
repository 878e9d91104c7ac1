// One step of AdamW over the embedding of SmolLM2-135M, in blocks that threads share as train/adamw.cpp does.
#include "kernels/adamw.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kNumbers = 49152 * 576, kBlock = int64_t{1} << 16;

struct Moments {
  at::Tensor parameter = normal({kNumbers}), gradient = normal({kNumbers});
  at::Tensor m = at::zeros({kNumbers}), v = at::zeros({kNumbers}), step = at::ones({});
};

const Pair kAdamw(
    "adamw/28.3 M fp32", {.bytes_read = kNumbers * 16.0, .bytes_written = kNumbers * 12.0},
    [] {
      return [all = std::make_shared<Moments>()] {
        const kernels::AdamwCoefficients c{.learning_rate = 1e-3f,
                                           .beta1 = 0.9f,
                                           .beta2 = 0.999f,
                                           .epsilon = 1e-8f,
                                           .weight_decay = 0.01f,
                                           .correction1 = 0.1f,
                                           .correction2 = 0.001f};
        at::parallel_for(0, (kNumbers + kBlock - 1) / kBlock, 1, [&](int64_t begin, int64_t end) {
          for (int64_t at = begin * kBlock; at < std::min(end * kBlock, kNumbers); at += kBlock)
            kernels::adamw(fp32(all->parameter) + at, fp32(all->gradient) + at, fp32(all->m) + at, fp32(all->v) + at,
                           std::min(kBlock, kNumbers - at), c);
        });
      };
    },
    [] {
      return [all = std::make_shared<Moments>()] {
        std::vector<at::Tensor> parameter = {all->parameter}, m = {all->m}, v = {all->v};
        at::_fused_adamw_(parameter, {all->gradient}, m, v, {}, {all->step}, 1e-3, 0.9, 0.999, 0.01, 1e-8, false,
                          false);
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
