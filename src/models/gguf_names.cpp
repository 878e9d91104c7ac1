// Tensor names and layouts of GGUF files beside those of Hugging Face.
#include <ATen/ATen.h>

#include <array>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "models/gguf_model.h"

namespace limbeck::models {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 3> kOutside = {{
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
}};

constexpr std::array<Pair, 9> kInBlock = {{
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
}};

template <std::size_t N>
std::optional<std::string_view> gguf_part(const std::array<Pair, N>& table, std::string_view name) {
  for (const auto& [hugging_face, gguf] : table)
    if (hugging_face == name) return gguf;
  return std::nullopt;
}

// Row 2i+j of a head becomes row j·E/2 + i: pairs that stood side by side stand E/2 apart.
at::Tensor to_half_split(const at::Tensor& rows, int64_t num_heads) {
  const int64_t half = rows.size(0) / num_heads / 2;
  std::vector<int64_t> split = {num_heads, half, 2};
  for (int64_t axis = 1; axis < rows.dim(); ++axis) split.push_back(rows.size(axis));
  return rows.reshape(split).transpose(1, 2).reshape(rows.sizes()).contiguous();
}

}  // namespace

std::optional<std::string> gguf_name_of(const std::string& name) {
  const std::size_t last = name.rfind('.');
  if (last == std::string::npos) return std::nullopt;
  const std::string_view module = std::string_view(name).substr(0, last), kind = std::string_view(name).substr(last);
  if (const auto outside = gguf_part(kOutside, module)) return std::string(*outside) + std::string(kind);

  constexpr std::string_view prefix = "model.layers.";
  if (!module.starts_with(prefix)) return std::nullopt;
  const std::size_t dot = module.find('.', prefix.size());
  if (dot == std::string_view::npos) return std::nullopt;
  const auto inside = gguf_part(kInBlock, module.substr(dot + 1));
  if (!inside) return std::nullopt;
  return fmt::format("blk.{}.{}{}", module.substr(prefix.size(), dot - prefix.size()), *inside, kind);
}

at::Tensor read_from_gguf(const formats::GgufFile& file, const std::string& name, const DecoderConfig& config) {
  const auto gguf = gguf_name_of(name);
  if (!gguf) fail("read_from_gguf", "tensor '{}': expected a name of the Llama family but received another", name);
  const at::Tensor tensor = file.read(*gguf);
  if (config.model_type != "llama") return tensor;
  const bool query = name.find(".q_proj.") != std::string::npos, key = name.find(".k_proj.") != std::string::npos;
  if (!query && !key) return tensor;
  const int64_t heads = query ? config.num_attention_heads : config.num_key_value_heads;
  if (tensor.dim() < 1 || tensor.size(0) != heads * config.head_dim)
    fail("read_from_gguf", "{}: tensor '{}': expected {} rows but received {}", file.path().string(), *gguf,
         heads * config.head_dim, tensor.dim() < 1 ? 0 : tensor.size(0));
  return to_half_split(tensor, heads);
}

}  // namespace limbeck::models
