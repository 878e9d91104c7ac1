// Norms of the query heads within the joint projection, 8 x 256 tokens of Qwen3 0.6B (16 heads of 128 beside 8 and 8).
#include "kernels/head_norm.h"

#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kRows = 2048, kHeads = 16, kDim = 128, kStride = 32 * kDim;
constexpr double kNumbers = static_cast<double>(kRows) * kHeads * kDim, kEpsilon = 1e-6;

struct Projection {
  at::Tensor x = normal({kRows, kStride}, at::kBFloat16), y = at::empty_like(x),
             dy = normal({kRows, kStride}, at::kBFloat16);
  at::Tensor dx = at::empty_like(x), weight = normal({kDim}), dweight = at::empty({kDim});
  at::Tensor scale = at::ones({kRows, kHeads});
  kernels::HeadNorm norm() const {
    return {.tokens = kRows,
            .heads = kHeads,
            .dim = kDim,
            .stride = kStride,
            .epsilon = static_cast<float>(kEpsilon),
            .weight = fp32(weight)};
  }
  at::Tensor heads() const { return x.narrow(1, 0, kHeads * kDim).view({kRows, kHeads, kDim}); }
};

const Pair kHeadNorm(
    "head_norm/2048x16x128 of 4096 bf16", {.bytes_read = kNumbers * 2, .bytes_written = kNumbers * 2},
    [] {
      auto all = std::make_shared<Rotation<Projection>>(kRows * kStride * 4.0, [] { return Projection(); });
      return [all] {
        Projection& p = all->next();
        kernels::head_norm(p.norm(), bf16(p.x), bf16(p.y), fp32(p.scale));
      };
    },
    [] {
      auto all = std::make_shared<Rotation<Projection>>(kRows * kStride * 4.0, [] { return Projection(); });
      return [all] {
        Projection& p = all->next();
        const at::Tensor x = p.heads().to(at::kFloat);
        p.y = (x * (x.square().mean({-1}, true) + kEpsilon).rsqrt() * p.weight).to(at::kBFloat16);
      };
    });

const Pair kHeadNormGradient(
    "head_norm_gradient/2048x16x128 of 4096 bf16", {.bytes_read = kNumbers * 4, .bytes_written = kNumbers * 2},
    [] {
      auto all = std::make_shared<Rotation<Projection>>(kRows * kStride * 6.0, [] { return Projection(); });
      return [all] {
        Projection& p = all->next();
        kernels::head_norm_gradient(p.norm(), bf16(p.x), fp32(p.scale), bf16(p.dy), bf16(p.dx), fp32(p.dweight));
      };
    },
    [] {
      auto all = std::make_shared<Rotation<Projection>>(kRows * kStride * 6.0, [] {
        Projection p;
        p.x.requires_grad_();
        p.weight.requires_grad_();
        const at::Tensor x = p.heads().to(at::kFloat);
        p.y = (x * (x.square().mean({-1}, true) + kEpsilon).rsqrt() * p.weight).to(at::kBFloat16);
        p.dy = normal({kRows, kHeads, kDim}, at::kBFloat16);
        return p;
      });
      return [all] {
        Projection& p = all->next();
        backward(p.y, p.dy, {p.x, p.weight});
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
