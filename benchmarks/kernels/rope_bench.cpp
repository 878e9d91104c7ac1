// Rotation of 9 query and 3 key heads of 64 in the rows that one product left, 8 x 256 tokens of SmolLM2-135M.
#include "kernels/rope.h"

#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kTokens = 2048, kHeads = 12, kHead = 64, kStride = 15 * kHead;  // the values stand behind
constexpr double kNumbers = static_cast<double>(kTokens) * kHeads * kHead;

struct Heads {
  at::Tensor qkv = normal({kTokens, kStride}, at::kBFloat16),
             turned = at::empty({kTokens, kHeads, kHead}, at::kBFloat16);
  at::Tensor angles = normal({kTokens, kHead / 2}), cos = at::cos(angles), sin = at::sin(angles);
  at::Tensor cos_low = at::cat({cos, cos}, 1).to(at::kBFloat16).unsqueeze(1);
  at::Tensor sin_low = at::cat({sin, sin}, 1).to(at::kBFloat16).unsqueeze(1);
};

const Work kWork{.bytes_read = kNumbers * 2 + kTokens * kHead * 4.0, .bytes_written = kNumbers * 2};

std::shared_ptr<Rotation<Heads>> rotation() {
  return std::make_shared<Rotation<Heads>>(kNumbers * 4, [] { return Heads(); });
}

const Pair kRope(
    "rope/2048 tokens x 12 heads of 64, bf16", kWork,
    [] {
      return [all = rotation()] {
        Heads& h = all->next();
        kernels::rotate({.tokens = kTokens, .heads = kHeads, .head_dim = kHead, .cos = fp32(h.cos), .sin = fp32(h.sin)},
                        bf16(h.qkv), kStride, bf16(h.turned), kHeads * kHead);
      };
    },
    [] {
      return [all = rotation()] {  // as Transformers writes it
        Heads& h = all->next();
        const at::Tensor x = h.qkv.narrow(1, 0, kHeads * kHead).view({kTokens, kHeads, kHead});
        const auto halves = x.chunk(2, -1);
        h.turned = x * h.cos_low + at::cat({-halves[1], halves[0]}, -1) * h.sin_low;
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
