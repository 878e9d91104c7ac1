// Residual sum and norm in one visit, 8 x 256 tokens of SmolLM2-135M.
#include "kernels/rms_norm.h"

#include <torch/csrc/autograd/variable.h>

#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kRows = 2048, kWidth = 576;
constexpr double kNumbers = static_cast<double>(kRows) * kWidth, kEpsilon = 1e-5;

struct Rows {
  at::Tensor x = normal({kRows, kWidth}), delta = normal({kRows, kWidth}, at::kBFloat16), weight = normal({kWidth});
  at::Tensor sum = at::empty_like(x), scale = at::ones({kRows}), y = at::empty_like(delta);
  at::Tensor dy = normal({kRows, kWidth}, at::kBFloat16), dsum = normal({kRows, kWidth}), dx = at::empty_like(x);
  at::Tensor dx_low = at::empty_like(delta), dweight = at::empty({kWidth});
};

// x and delta come in, the sum and y go out.
const Work kForward{.bytes_read = kNumbers * 6, .bytes_written = kNumbers * 6};
const Work kBackward{.bytes_read = kNumbers * 10, .bytes_written = kNumbers * 6};

kernels::BFloat16* low(at::Tensor& tensor) {
  return static_cast<kernels::BFloat16*>(tensor.data_ptr());
}

const Pair kRmsNorm(
    "rms_norm/2048x576 fp32 + bf16 -> bf16", kForward,
    [] {
      auto rows = std::make_shared<Rotation<Rows>>(kNumbers * 12, [] { return Rows(); });
      return [rows] {
        Rows& r = rows->next();
        kernels::rms_norm({.rows = kRows,
                           .width = kWidth,
                           .epsilon = static_cast<float>(kEpsilon),
                           .x = r.x.data_ptr<float>(),
                           .delta_low = low(r.delta),
                           .weight = r.weight.data_ptr<float>(),
                           .sum = r.sum.data_ptr<float>(),
                           .scale = r.scale.data_ptr<float>(),
                           .y_low = low(r.y)});
      };
    },
    [] {
      auto rows = std::make_shared<Rotation<Rows>>(kNumbers * 12, [] { return Rows(); });
      return [rows] {
        Rows& r = rows->next();
        r.sum = r.x + r.delta;
        r.y = at::rms_norm(r.sum, {kWidth}, r.weight, kEpsilon).to(at::kBFloat16);
      };
    });

const Pair kRmsNormGradient(
    "rms_norm_gradient/2048x576 bf16 -> fp32 and bf16", kBackward,
    [] {
      auto rows = std::make_shared<Rotation<Rows>>(kNumbers * 16, [] { return Rows(); });
      return [rows] {
        Rows& r = rows->next();
        kernels::rms_norm_gradient({.rows = kRows,
                                    .width = kWidth,
                                    .sum = r.x.data_ptr<float>(),
                                    .scale = r.scale.data_ptr<float>(),
                                    .weight = r.weight.data_ptr<float>(),
                                    .dy_low = low(r.dy),
                                    .dsum = r.dsum.data_ptr<float>(),
                                    .dx = r.dx.data_ptr<float>(),
                                    .dx_low = low(r.dx_low),
                                    .dweight = r.dweight.data_ptr<float>()});
      };
    },
    [] {
      struct Graph : Rows {
        at::Tensor out;
      };
      auto graphs = std::make_shared<Rotation<Graph>>(kNumbers * 16, [] {
        Graph graph;
        graph.x.requires_grad_();
        graph.weight.requires_grad_();
        graph.out = at::rms_norm(graph.x, {kWidth}, graph.weight, kEpsilon).to(at::kBFloat16);
        return graph;
      });
      return [graphs] {
        Graph& graph = graphs->next();
        graph.x.mutable_grad() = at::Tensor();
        graph.weight.mutable_grad() = at::Tensor();
        graph.out.backward(graph.dy, true);
        graph.dx = graph.x.grad() + graph.dsum;
        graph.dx_low = graph.dx.to(at::kBFloat16);
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
