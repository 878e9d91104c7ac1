// Attention of whole documents and its gradient, 9 heads over 3 key heads of 64 (SmolLM2-135M), beside
// scaled_dot_product_attention in the layout that it likes best.
#include "kernels/packed_attention.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kHeads = 9, kKeyHeads = 3, kHead = 64;
constexpr float kScale = 0.125f;

struct Size {
  int64_t documents, length;
  int64_t tokens() const { return documents * length; }
  double numbers() const { return static_cast<double>(tokens()) * (kHeads + kKeyHeads) * kHead; }  // of q and k
  // Scores of the past alone, q·k and weights·v; the gradient does five such products.
  Work work(double products) const {
    const double pairs = static_cast<double>(documents) * length * (length + 1) / 2;
    return {.operations = products * 2 * pairs * kHeads * kHead,
            .arithmetic = Arithmetic::kBf16,
            .bytes_read = numbers() * (products > 2 ? 8 : 2.5),
            .bytes_written = numbers() * (products > 2 ? 2.5 : 1.5)};
  }
};

struct Documents {
  explicit Documents(const Size& size) {
    for (int64_t i = 0; i <= size.documents; ++i) offsets.push_back(i * size.length);
    q = normal({size.tokens(), kHeads, kHead}, at::kBFloat16);
    k = normal({size.tokens(), kKeyHeads, kHead}, at::kBFloat16);
    v = normal({size.tokens(), kKeyHeads, kHead}, at::kBFloat16);
    dy = normal({size.tokens(), kHeads, kHead}, at::kBFloat16);
    for (at::Tensor* d : {&y, &dq}) *d = at::empty_like(q);
    for (at::Tensor* d : {&dk, &dv}) *d = at::empty_like(k);
    log_sums = at::empty({size.tokens(), kHeads});
  }
  kernels::AttentionShape shape() const {
    return {.offsets = offsets, .heads = kHeads, .key_heads = kKeyHeads, .head_dim = kHead, .scale = kScale};
  }
  void forward() { kernels::packed_attention(shape(), bf16(q), bf16(k), bf16(v), bf16(y), fp32(log_sums)); }
  std::vector<int64_t> offsets;
  at::Tensor q, k, v, y, dy, dq, dk, dv, log_sums;
};

// [documents, heads, length, head], as Transformers holds them.
struct Batch {
  explicit Batch(const Size& size)
      : q(normal({size.documents, kHeads, size.length, kHead}, at::kBFloat16)),
        k(normal({size.documents, kKeyHeads, size.length, kHead}, at::kBFloat16)),
        v(k.clone()),
        dy(q.clone()) {}
  void forward() {
    y = at::scaled_dot_product_attention(q, k, v, {}, 0, /*is_causal=*/true, kScale, /*enable_gqa=*/true);
  }
  at::Tensor q, k, v, y, dy;
};

Pair forward_pair(const std::string& name, Size size) {
  return {"packed_attention/" + name, size.work(2),
          [size] {
            auto all = std::make_shared<Rotation<Documents>>(size.numbers() * 4, [size] { return Documents(size); });
            return [all] { all->next().forward(); };
          },
          [size] {
            auto all = std::make_shared<Rotation<Batch>>(size.numbers() * 4, [size] { return Batch(size); });
            return [all] { all->next().forward(); };
          }};
}

Pair backward_pair(const std::string& name, Size size) {
  return {"packed_attention_gradient/" + name, size.work(5),
          [size] {
            auto all = std::make_shared<Rotation<Documents>>(size.numbers() * 8, [size] {
              Documents documents(size);
              documents.forward();
              return documents;
            });
            return [all] {
              Documents& d = all->next();
              kernels::packed_attention_gradient(d.shape(), {.q = bf16(d.q),
                                                             .k = bf16(d.k),
                                                             .v = bf16(d.v),
                                                             .y = bf16(d.y),
                                                             .dy = bf16(d.dy),
                                                             .log_sums = fp32(d.log_sums),
                                                             .dq = bf16(d.dq),
                                                             .dk = bf16(d.dk),
                                                             .dv = bf16(d.dv)});
            };
          },
          [size] {
            auto all = std::make_shared<Rotation<Batch>>(size.numbers() * 8, [size] {
              Batch batch(size);
              for (at::Tensor* leaf : {&batch.q, &batch.k, &batch.v}) leaf->requires_grad_();
              batch.forward();
              return batch;
            });
            return [all] {
              Batch& b = all->next();
              backward(b.y, b.dy, {b.q, b.k, b.v});
            };
          }};
}

const Pair kShort = forward_pair("8 x 256 bf16", {8, 256}), kLong = forward_pair("1 x 2048 bf16", {1, 2048});
const Pair kShortGradient = backward_pair("8 x 256 bf16", {8, 256}),
           kLongGradient = backward_pair("1 x 2048 bf16", {1, 2048});

}  // namespace
}  // namespace limbeck::benchmarks
