// Residual sum and layer norm in one visit, 8 x 256 tokens of GPT-2.
#include "kernels/layer_norm.h"

#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kRows = 2048, kWidth = 768;
constexpr double kNumbers = static_cast<double>(kRows) * kWidth, kEpsilon = 1e-5;

struct Rows {
  at::Tensor x = normal({kRows, kWidth}), delta = normal({kRows, kWidth}, at::kBFloat16);
  at::Tensor weight = normal({kWidth}), bias = normal({kWidth});
  at::Tensor sum = at::empty_like(x), mean = at::zeros({kRows}), scale = at::ones({kRows}), y = at::empty_like(delta);
  at::Tensor dy = normal({kRows, kWidth}, at::kBFloat16), dsum = normal({kRows, kWidth}), dx = at::empty_like(x);
  at::Tensor dx_low = at::empty_like(delta), dweight = at::empty({kWidth}), dbias = at::empty({kWidth});
};

const Pair kLayerNorm(
    "layer_norm/2048x768 fp32 + bf16 -> bf16", {.bytes_read = kNumbers * 6, .bytes_written = kNumbers * 6},
    [] {
      auto rows = std::make_shared<Rotation<Rows>>(kNumbers * 12, [] { return Rows(); });
      return [rows] {
        Rows& r = rows->next();
        kernels::layer_norm({.rows = kRows,
                             .width = kWidth,
                             .epsilon = static_cast<float>(kEpsilon),
                             .x = fp32(r.x),
                             .delta_low = bf16(r.delta),
                             .weight = fp32(r.weight),
                             .bias = fp32(r.bias),
                             .sum = fp32(r.sum),
                             .mean = fp32(r.mean),
                             .scale = fp32(r.scale),
                             .y_low = bf16(r.y)});
      };
    },
    [] {
      auto rows = std::make_shared<Rotation<Rows>>(kNumbers * 12, [] { return Rows(); });
      return [rows] {
        Rows& r = rows->next();
        r.sum = r.x + r.delta;
        r.y = at::layer_norm(r.sum, {kWidth}, r.weight, r.bias, kEpsilon).to(at::kBFloat16);
      };
    });

const Pair kLayerNormGradient(
    "layer_norm_gradient/2048x768 bf16 -> fp32 and bf16", {.bytes_read = kNumbers * 10, .bytes_written = kNumbers * 6},
    [] {
      auto rows = std::make_shared<Rotation<Rows>>(kNumbers * 16, [] { return Rows(); });
      return [rows] {
        Rows& r = rows->next();
        kernels::layer_norm_gradient({.rows = kRows,
                                      .width = kWidth,
                                      .sum = fp32(r.x),
                                      .mean = fp32(r.mean),
                                      .scale = fp32(r.scale),
                                      .weight = fp32(r.weight),
                                      .dy_low = bf16(r.dy),
                                      .dsum = fp32(r.dsum),
                                      .dx = fp32(r.dx),
                                      .dx_low = bf16(r.dx_low),
                                      .dweight = fp32(r.dweight),
                                      .dbias = fp32(r.dbias)});
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
        graph.bias.requires_grad_();
        graph.out = at::layer_norm(graph.x, {kWidth}, graph.weight, graph.bias, kEpsilon).to(at::kBFloat16);
        return graph;
      });
      return [graphs] {
        Graph& graph = graphs->next();
        backward(graph.out, graph.dy, {graph.x, graph.weight, graph.bias});
        graph.dx = graph.x.grad() + graph.dsum;
        graph.dx_low = graph.dx.to(at::kBFloat16);
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
