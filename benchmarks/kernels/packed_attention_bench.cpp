// Attention of whole documents and its gradient, causal with 9 heads over 3 key heads of 64 (SmolLM2-135M) and with the
// whole document in sight with 12 heads of 32 (all-MiniLM-L6-v2), beside scaled_dot_product_attention in the layout
// that it likes best.
#include "kernels/packed_attention.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

struct Heads {
  int64_t queries, keys, size;
  bool causal;
};
constexpr Heads kDecoder{9, 3, 64, true}, kEncoder{12, 12, 32, false};
constexpr float kScale = 0.125f;

struct Size {
  Heads heads;
  int64_t documents, length;
  int64_t tokens() const { return documents * length; }
  double numbers() const {
    return static_cast<double>(tokens()) * static_cast<double>((heads.queries + heads.keys) * heads.size);
  }  // of q and k
  // Scores of what is seen alone, q·k and weights·v; the gradient does five such products.
  Work work(double products) const {
    const double pairs = static_cast<double>(documents) * length * (heads.causal ? (length + 1) / 2.0 : length);
    return {.operations = products * 2 * pairs * static_cast<double>(heads.queries * heads.size),
            .arithmetic = Arithmetic::kBf16,
            .bytes_read = numbers() * (products > 2 ? 8 : 2.5),
            .bytes_written = numbers() * (products > 2 ? 2.5 : 1.5)};
  }
};

struct Documents {
  explicit Documents(const Size& size) : heads(size.heads) {
    for (int64_t i = 0; i <= size.documents; ++i) offsets.push_back(i * size.length);
    q = normal({size.tokens(), heads.queries, heads.size}, at::kBFloat16);
    k = normal({size.tokens(), heads.keys, heads.size}, at::kBFloat16);
    v = normal({size.tokens(), heads.keys, heads.size}, at::kBFloat16);
    dy = normal({size.tokens(), heads.queries, heads.size}, at::kBFloat16);
    for (at::Tensor* d : {&y, &dq}) *d = at::empty_like(q);
    for (at::Tensor* d : {&dk, &dv}) *d = at::empty_like(k);
    log_sums = at::empty({size.tokens(), heads.queries});
  }
  kernels::AttentionShape shape() const {
    return {.offsets = offsets,
            .heads = heads.queries,
            .key_heads = heads.keys,
            .head_dim = heads.size,
            .scale = kScale,
            .causal = heads.causal};
  }
  void forward() { kernels::packed_attention(shape(), bf16(q), bf16(k), bf16(v), bf16(y), fp32(log_sums)); }
  Heads heads;
  std::vector<int64_t> offsets;
  at::Tensor q, k, v, y, dy, dq, dk, dv, log_sums;
};

// [documents, heads, length, head], as Transformers holds them.
struct Batch {
  explicit Batch(const Size& size)
      : causal(size.heads.causal),
        q(normal({size.documents, size.heads.queries, size.length, size.heads.size}, at::kBFloat16)),
        k(normal({size.documents, size.heads.keys, size.length, size.heads.size}, at::kBFloat16)),
        v(k.clone()),
        dy(q.clone()) {}
  void forward() { y = at::scaled_dot_product_attention(q, k, v, {}, 0, causal, kScale, /*enable_gqa=*/true); }
  bool causal;
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

const Pair kShort = forward_pair("8 x 256 bf16", {kDecoder, 8, 256}),
           kLong = forward_pair("1 x 2048 bf16", {kDecoder, 1, 2048});
const Pair kShortGradient = backward_pair("8 x 256 bf16", {kDecoder, 8, 256}),
           kLongGradient = backward_pair("1 x 2048 bf16", {kDecoder, 1, 2048});
const Pair kSentence = forward_pair("full, 1 x 22 bf16", {kEncoder, 1, 22}),
           kSentences = forward_pair("full, 32 x 22 bf16", {kEncoder, 32, 22}),
           kPages = forward_pair("full, 8 x 256 bf16", {kEncoder, 8, 256});
const Pair kSentencesGradient = backward_pair("full, 32 x 22 bf16", {kEncoder, 32, 22}),
           kPagesGradient = backward_pair("full, 8 x 256 bf16", {kEncoder, 8, 256});

}  // namespace
}  // namespace limbeck::benchmarks
