#include "kernels/encoder_blocks.h"

#include <omp.h>

#include <algorithm>

#include "kernels/aligned.h"
#include "kernels/layer_norm.h"
#include "kernels/packed_attention.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kMostTokens = 256;   // of a group: its widest rows fit the second-level cache
constexpr int64_t kLeastTokens = 24;   // fewer would not be worth the weights' way to the registers
constexpr int64_t kGroupsAThread = 4;  // so that none waits long for the last one

template <class Number>
struct Space {
  AlignedVector<Number> queries_keys_values, mixed, inner;
  AlignedVector<float> delta;
  void resize(int64_t rows, const EncoderBlocks& e) {
    const auto count = static_cast<std::size_t>(rows);
    if (delta.size() >= count * e.width && inner.size() >= count * e.inner) return;
    queries_keys_values.resize(count * 3 * e.width);
    mixed.resize(count * e.width);
    inner.resize(count * e.inner);
    delta.resize(count * e.width);
  }
};

void add_and_normalise(const EncoderBlocks& e, int64_t rows, const BlockNorm& weights, const float* delta,
                       float* hidden) {
  LayerNorm norm{.rows = rows, .width = e.width, .epsilon = e.epsilon};
  norm.x = norm.sum = norm.y = hidden;  // each number is read before it is written
  norm.delta = delta;
  norm.weight = weights.weight;
  norm.bias = weights.bias;
  layer_norm(norm);
}

// Documents first .. last; hidden and kept (or null) begin at the first one's first token.
template <class Number>
void run_documents(const EncoderBlocks& e, int64_t first, int64_t last, float* hidden, Number* kept) {
  static thread_local Space<Number> space;
  std::vector<int64_t> offsets(e.offsets.begin() + first, e.offsets.begin() + last + 1);
  for (int64_t& offset : offsets) offset -= e.offsets[first];
  const int64_t rows = offsets.back();
  space.resize(rows, e);
  const AttentionShape shape{.offsets = offsets,
                             .heads = e.heads,
                             .key_heads = e.heads,
                             .head_dim = e.width / e.heads,
                             .scale = e.scale,
                             .causal = false,
                             .q_stride = 3 * e.width,
                             .kv_stride = 3 * e.width};
  const bool gelu = e.activation == Activation::kGelu;
  for (const EncoderBlock& block : e.blocks) {
    Number* const q = kept && &block == &e.blocks.back() ? kept : space.queries_keys_values.data();
    block.queries_keys_values.weight->multiply(hidden, rows, q, block.queries_keys_values.bias);
    packed_attention(shape, q, q + e.width, q + 2 * e.width, space.mixed.data(), nullptr);
    block.attention_out.weight->multiply(space.mixed.data(), rows, space.delta.data(), block.attention_out.bias);
    add_and_normalise(e, rows, block.attention_norm, space.delta.data(), hidden);
    block.in.weight->multiply(hidden, rows, space.inner.data(), {block.in.bias, gelu});
    if (!gelu) activate(e.activation, space.inner.data(), space.inner.data(), rows * e.inner);
    block.out.weight->multiply(space.inner.data(), rows, space.delta.data(), block.out.bias);
    add_and_normalise(e, rows, block.norm, space.delta.data(), hidden);
  }
}

template <class Number>
void run_in_groups(const EncoderBlocks& e, float* hidden) {
  const auto num_documents = static_cast<int64_t>(e.offsets.size()) - 1;
  if (num_documents < 1 || e.blocks.empty()) return;
  const int64_t begin = e.offsets.front(), tokens = e.offsets.back() - begin;
  const int64_t threads = omp_in_parallel() ? 1 : omp_get_max_threads();
  const int64_t share = std::clamp(tokens / (kGroupsAThread * threads), kLeastTokens, kMostTokens);
  const std::vector<int64_t> groups = document_groups(e.offsets, share);
  const auto num_groups = static_cast<int64_t>(groups.size()) - 1;
  auto* const kept = static_cast<Number*>(e.queries_keys_values);
  const auto run_group = [&](int64_t g) {
    const int64_t at = e.offsets[groups[g]] - begin;
    run_documents(e, groups[g], groups[g + 1], hidden + at * e.width, kept ? kept + at * 3 * e.width : nullptr);
  };
  if (threads == 1 || num_groups < 2 * threads) {  // threads share each product
    for (int64_t g = 0; g < num_groups; ++g) run_group(g);
    return;
  }
#pragma omp parallel for schedule(dynamic) num_threads(static_cast <int>(threads))
  for (int64_t g = 0; g < num_groups; ++g) run_group(g);
}

}  // namespace

std::vector<int64_t> document_groups(std::span<const int64_t> offsets, int64_t tokens) {
  std::vector<int64_t> groups = {0};
  const auto num_documents = static_cast<int64_t>(offsets.size()) - 1;
  for (int64_t i = 1; i < num_documents; ++i)
    if (offsets[i + 1] - offsets[groups.back()] > tokens && offsets[i] > offsets[groups.back()]) groups.push_back(i);
  if (num_documents > 0) groups.push_back(num_documents);
  return groups;
}

void run(const EncoderBlocks& encoder, float* hidden) {
  if (encoder.between == Format::kBf16)
    run_in_groups<BFloat16>(encoder, hidden);
  else
    run_in_groups<float>(encoder, hidden);
}

}  // namespace limbeck::kernels
