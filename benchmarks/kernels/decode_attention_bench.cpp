// One new token of each of 64 sequences that share a prompt of 231 and have 16 positions of their own (one layer of
// SmolLM2-135M), and of one sequence alone, beside scaled_dot_product_attention over caches that hold the prompt once a
// sequence. The pages hold all 30 layers, which the calls take in turn, as a model does.
#include "kernels/decode_attention.h"

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kLayers = 30, kHeads = 9, kKeyHeads = 3, kHead = 64, kPrompt = 231, kOwn = 16;
constexpr float kScale = 0.125f;
const kernels::KvShape kShape{
    .num_layers = kLayers, .num_kv_heads = kKeyHeads, .head_size = kHead, .format = kernels::Format::kBf16};

class Pages {
 public:
  explicit Pages(int64_t positions) {
    const int64_t count = (positions + kernels::kPositionsPerPage - 1) / kernels::kPositionsPerPage;
    memory_ = normal({count, kShape.page_bytes() / 2}, at::kBFloat16);
    for (int64_t i = 0; i < count; ++i)
      pages_.push_back(static_cast<char*>(memory_.data_ptr()) + i * kShape.page_bytes());
  }
  char* const* get() const { return pages_.data(); }

 private:
  at::Tensor memory_;
  std::vector<char*> pages_;
};

// The prompt is read once, each sequence's own positions once.
Work work(int64_t sequences) {
  const double positions = kPrompt + static_cast<double>(sequences) * kOwn;
  const double seen = static_cast<double>(sequences) * (kPrompt + kOwn + 1);
  return {.operations = 4 * seen * kHeads * kHead,
          .arithmetic = Arithmetic::kBf16,
          .bytes_read = positions * kKeyHeads * kHead * 4 + sequences * (kHeads + 2 * kKeyHeads) * kHead * 2.0,
          .bytes_written = sequences * (kHeads + 2 * kKeyHeads) * kHead * 2.0};
}

Body ours(int64_t sequences) {
  struct Cache {
    Pages prompt{kPrompt};
    std::vector<Pages> own;
    at::Tensor qkv, output;
    std::vector<kernels::CachedSequence> sequences;
    int64_t layer = 0;
  };
  auto cache = std::make_shared<Cache>();
  const int64_t stride = (kHeads + 2 * kKeyHeads) * kHead;
  cache->qkv = normal({sequences, stride}, at::kBFloat16);
  cache->output = at::empty({sequences, kHeads * kHead}, at::kBFloat16);
  for (int64_t i = 0; i < sequences; ++i) cache->own.emplace_back(kOwn + 1);
  for (int64_t i = 0; i < sequences; ++i)
    cache->sequences.push_back({.first_row = i,
                                .num_rows = 1,
                                .pages = cache->own[i].get(),
                                .length = kOwn,
                                .prefix_pages = const_cast<const char* const*>(cache->prompt.get()),
                                .prefix_length = kPrompt});
  return [cache, stride] {
    const auto heads = [&](int64_t first) {
      return kernels::HeadRows{.numbers = bf16(cache->qkv) + first * kHead,
                               .format = kernels::Format::kBf16,
                               .row_stride = stride,
                               .head_stride = kHead};
    };
    kernels::attend({.shape = kShape,
                     .layer = cache->layer++ % kLayers,
                     .num_heads = kHeads,
                     .scale = kScale,
                     .q = heads(0),
                     .k = heads(kHeads),
                     .v = heads(kHeads + kKeyHeads),
                     .output = cache->output.data_ptr(),
                     .sequences = cache->sequences});
  };
}

Body composed(int64_t sequences) {
  struct Cache {
    at::Tensor q, output;
    std::vector<at::Tensor> k, v;  // of each layer
    std::size_t layer = 0;
  };
  auto cache = std::make_shared<Cache>();
  cache->q = normal({sequences, kHeads, 1, kHead}, at::kBFloat16);
  for (int64_t i = 0; i < kLayers; ++i) {
    cache->k.push_back(normal({sequences, kKeyHeads, kPrompt + kOwn + 1, kHead}, at::kBFloat16));
    cache->v.push_back(cache->k.back().clone());
  }
  return [cache] {
    const std::size_t layer = cache->layer++ % kLayers;
    cache->output = at::scaled_dot_product_attention(cache->q, cache->k[layer], cache->v[layer], {}, 0, false, kScale,
                                                     /*enable_gqa=*/true);
  };
}

const Pair kMany(
    "decode_attention/64 sequences after a prompt of 231, bf16", work(64), [] { return ours(64); },
    [] { return composed(64); });
const Pair kOne(
    "decode_attention/1 sequence after a prompt of 231, bf16", work(1), [] { return ours(1); },
    [] { return composed(1); });

}  // namespace
}  // namespace limbeck::benchmarks
