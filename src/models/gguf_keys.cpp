#include "models/gguf_keys.h"

#include <fmt/format.h>

#include <utility>

#include "base/errors.h"
#include "models/config.h"

namespace limbeck::models {

void GgufKeys::put(std::string_view key, formats::GgufValue value) {
  metadata_.emplace_back(fmt::format("{}.{}", architecture_, key), std::move(value));
}

void GgufKeys::expect(bool holds, std::string_view key, std::string_view expected, const std::string& received) const {
  if (!holds)
    user_fail("save_gguf", "{}: expected {} but received {}, which a file of {} cannot say", key, expected, received,
              architecture_);
}

void GgufKeys::sizes() {
  count("vocab_size", config_.vocab_size);
  count("context_length", config_.max_position_embeddings);
  count("embedding_length", config_.hidden_size);
  count("block_count", config_.num_hidden_layers);
  count("feed_forward_length", config_.intermediate_size);
  count("attention.head_count", config_.num_attention_heads);
  count("attention.head_count_kv", config_.num_key_value_heads);
}

void GgufKeys::head_sizes() {
  count("attention.key_length", config_.head_dim);
  count("attention.value_length", config_.head_dim);
}

void GgufKeys::rope(const nn::RopeOptions& options) {
  count("rope.dimension_count", options.head_dim);
  number("rope.freq_base", options.theta);
  if (options.kind != nn::RopeKind::kLinear && options.kind != nn::RopeKind::kYarn) return;
  expect(!options.mscale && !options.mscale_all_dim && options.beta_fast == 32 && options.beta_slow == 1 &&
             options.truncate,
         "rope_scaling", "YaRN's own settings", config_.rope_scaling.dump());
  put("rope.scaling.type", std::string(options.kind == nn::RopeKind::kLinear ? "linear" : "yarn"));
  number("rope.scaling.factor", options.factor);
  if (options.kind == nn::RopeKind::kYarn)
    count("rope.scaling.original_context_length", options.original_max_positions);
  if (options.attention_factor) number("rope.scaling.attn_factor", *options.attention_factor);
}

int64_t window_pattern(const std::vector<bool>& windowed) {
  const auto blocks = static_cast<int64_t>(windowed.size());
  for (int64_t period = 1; period <= blocks + 1; ++period) {
    bool fits = true;
    for (int64_t l = 0; l < blocks; ++l) fits = fits && windowed[l] == ((l + 1) % period != 0);
    if (fits) return period;
  }
  return 0;
}

void put_llama_gguf(const DecoderConfig& c, GgufKeys& keys) {
  keys.expect(!c.sliding_window, "sliding_window", "none", fmt::to_string(c.sliding_window.value_or(0)));
  keys.sizes();
  keys.head_sizes();
  keys.number("attention.layer_norm_rms_epsilon", c.rms_norm_eps);
  keys.rope(rope_options(c));
}

}  // namespace limbeck::models
