// silu(gate) · up and its gradient, 8 x 256 tokens of SmolLM2-135M.
#include "kernels/swiglu.h"

#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kRows = 2048, kWidth = 1536;
constexpr double kNumbers = static_cast<double>(kRows) * kWidth;

struct Mlp {
  at::Tensor gate_up = normal({kRows, 2 * kWidth}, at::kBFloat16), dgate_up = at::empty_like(gate_up);
  at::Tensor y = at::empty({kRows, kWidth}, at::kBFloat16), dy = normal({kRows, kWidth}, at::kBFloat16);
};

at::Tensor composed(const at::Tensor& gate_up) {
  const auto halves = gate_up.chunk(2, 1);
  return at::silu(halves[0]) * halves[1];
}

const Pair kSwiglu(
    "swiglu/2048x1536 bf16", {.bytes_read = kNumbers * 4, .bytes_written = kNumbers * 2},
    [] {
      auto all = std::make_shared<Rotation<Mlp>>(kNumbers * 6, [] { return Mlp(); });
      return [all] {
        Mlp& m = all->next();
        kernels::swiglu(bf16(m.gate_up), bf16(m.y), kRows, kWidth);
      };
    },
    [] {
      auto all = std::make_shared<Rotation<Mlp>>(kNumbers * 6, [] { return Mlp(); });
      return [all] {
        Mlp& m = all->next();
        m.y = composed(m.gate_up);
      };
    });

const Pair kSwigluGradient(
    "swiglu_gradient/2048x1536 bf16", {.bytes_read = kNumbers * 6, .bytes_written = kNumbers * 6},
    [] {
      auto all = std::make_shared<Rotation<Mlp>>(kNumbers * 10, [] { return Mlp(); });
      return [all] {
        Mlp& m = all->next();
        kernels::swiglu_gradient(bf16(m.gate_up), bf16(m.dy), bf16(m.dgate_up), bf16(m.y), kRows, kWidth);
      };
    },
    [] {
      auto all = std::make_shared<Rotation<Mlp>>(kNumbers * 10, [] {
        Mlp m;
        m.gate_up.requires_grad_();
        m.y = composed(m.gate_up);
        return m;
      });
      return [all] {
        Mlp& m = all->next();
        backward(m.y, m.dy, {m.gate_up});
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
