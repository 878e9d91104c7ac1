// Residual sum and norm in one visit, 8 x 256 tokens of SmolLM2-135M.
#include "kernels/rms_norm.h"

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

const Pair kRmsNorm(
    "rms_norm/2048x576 fp32 + bf16 -> bf16", kForward,
    [] {
      auto rows = std::make_shared<Rotation<Rows>>(kNumbers * 12, [] { return Rows(); });
      return [rows] {
        Rows& r = rows->next();
        kernels::rms_norm({.rows = kRows,
                           .width = kWidth,
                           .epsilon = static_cast<float>(kEpsilon),
                           .x = fp32(r.x),
                           .delta_low = bf16(r.delta),
                           .weight = fp32(r.weight),
                           .sum = fp32(r.sum),
                           .scale = fp32(r.scale),
                           .y_low = bf16(r.y)});
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
                                    .sum = fp32(r.x),
                                    .scale = fp32(r.scale),
                                    .weight = fp32(r.weight),
                                    .dy_low = bf16(r.dy),
                                    .dsum = fp32(r.dsum),
                                    .dx = fp32(r.dx),
                                    .dx_low = bf16(r.dx_low),
                                    .dweight = fp32(r.dweight)});
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
        backward(graph.out, graph.dy, {graph.x, graph.weight});
        graph.dx = graph.x.grad() + graph.dsum;
        graph.dx_low = graph.dx.to(at::kBFloat16);
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
