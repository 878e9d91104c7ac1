// Activations of feed-forward blocks and their gradients: gelu and its approximation of 8 x 256 tokens of GPT-2, gated
// of Gemma 3 270M.
#include "kernels/activation.h"

#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

using kernels::Activation;

constexpr int64_t kRows = 2048, kWidth = 3072, kGatedWidth = 2048;

struct Inner {
  at::Tensor x = normal({kRows, kWidth}, at::kBFloat16), y = at::empty_like(x);
  at::Tensor dy = normal({kRows, kWidth}, at::kBFloat16), dx = at::empty_like(x);
};

struct Gated {
  at::Tensor x = normal({kRows, 2 * kGatedWidth}, at::kBFloat16), dx = at::empty_like(x);
  at::Tensor y = at::empty({kRows, kGatedWidth}, at::kBFloat16), dy = normal({kRows, kGatedWidth}, at::kBFloat16);
};

Setup forward_of(Activation kind) {
  return [kind] {
    auto all = std::make_shared<Rotation<Inner>>(kRows * kWidth * 4.0, [] { return Inner(); });
    return [all, kind] {
      Inner& i = all->next();
      kernels::activate(kind, bf16(i.x), bf16(i.y), i.x.numel());
    };
  };
}

Setup gradient_of(Activation kind) {
  return [kind] {
    auto all = std::make_shared<Rotation<Inner>>(kRows * kWidth * 6.0, [] { return Inner(); });
    return [all, kind] {
      Inner& i = all->next();
      kernels::activate_gradient(kind, bf16(i.x), bf16(i.dy), bf16(i.dx), i.x.numel());
    };
  };
}

Setup aten_forward_of(const char* approximate) {
  return [approximate] {
    auto all = std::make_shared<Rotation<Inner>>(kRows * kWidth * 4.0, [] { return Inner(); });
    return [all, approximate] {
      Inner& i = all->next();
      i.y = at::gelu(i.x, approximate);
    };
  };
}

Setup aten_gradient_of(const char* approximate) {
  return [approximate] {
    auto all = std::make_shared<Rotation<Inner>>(kRows * kWidth * 6.0, [approximate] {
      Inner i;
      i.x.requires_grad_();
      i.y = at::gelu(i.x, approximate);
      return i;
    });
    return [all] {
      Inner& i = all->next();
      backward(i.y, i.dy, {i.x});
    };
  };
}

constexpr double kInner = static_cast<double>(kRows) * kWidth, kOut = static_cast<double>(kRows) * kGatedWidth;
const Work kForward{.bytes_read = kInner * 2, .bytes_written = kInner * 2};
const Work kBackward{.bytes_read = kInner * 4, .bytes_written = kInner * 2};

const Pair kGelu("gelu/2048x3072 bf16", kForward, forward_of(Activation::kGelu), aten_forward_of("none"));
const Pair kGeluGradient("gelu_gradient/2048x3072 bf16", kBackward, gradient_of(Activation::kGelu),
                         aten_gradient_of("none"));
const Pair kGeluTanh("gelu_tanh/2048x3072 bf16", kForward, forward_of(Activation::kGeluTanh), aten_forward_of("tanh"));
const Pair kGeluTanhGradient("gelu_tanh_gradient/2048x3072 bf16", kBackward, gradient_of(Activation::kGeluTanh),
                             aten_gradient_of("tanh"));

at::Tensor composed(const at::Tensor& gate_up) {
  const auto halves = gate_up.chunk(2, 1);
  return at::gelu(halves[0], "tanh") * halves[1];
}

const Pair kGeglu(
    "geglu/2048x2048 bf16", {.bytes_read = kOut * 4, .bytes_written = kOut * 2},
    [] {
      auto all = std::make_shared<Rotation<Gated>>(kOut * 6, [] { return Gated(); });
      return [all] {
        Gated& g = all->next();
        kernels::activate_gated(Activation::kGeluTanh, bf16(g.x), bf16(g.y), kRows, kGatedWidth);
      };
    },
    [] {
      auto all = std::make_shared<Rotation<Gated>>(kOut * 6, [] { return Gated(); });
      return [all] {
        Gated& g = all->next();
        g.y = composed(g.x);
      };
    });

const Pair kGegluGradient(
    "geglu_gradient/2048x2048 bf16", {.bytes_read = kOut * 6, .bytes_written = kOut * 4},
    [] {
      auto all = std::make_shared<Rotation<Gated>>(kOut * 10, [] { return Gated(); });
      return [all] {
        Gated& g = all->next();
        kernels::activate_gated_gradient(Activation::kGeluTanh, bf16(g.x), bf16(g.dy), bf16(g.dx), kRows, kGatedWidth);
      };
    },
    [] {
      auto all = std::make_shared<Rotation<Gated>>(kOut * 10, [] {
        Gated g;
        g.x.requires_grad_();
        g.y = composed(g.x);
        return g;
      });
      return [all] {
        Gated& g = all->next();
        backward(g.y, g.dy, {g.x});
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
