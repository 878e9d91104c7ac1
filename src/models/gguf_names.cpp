// Tensor names and layouts of GGUF files beside those of Hugging Face.
#include <ATen/ATen.h>

#include <string_view>
#include <utility>

#include "base/errors.h"
#include "models/gguf_model.h"

namespace limbeck::models {
namespace {

using NamePairs = std::vector<std::pair<std::string_view, std::string_view>>;

std::optional<std::string_view> gguf_part(const NamePairs& table, std::string_view name) {
  for (const auto& [hugging_face, gguf] : table)
    if (hugging_face == name) return gguf;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> gguf_name_of(const std::string& name, const Architecture& architecture) {
  const std::size_t last = name.rfind('.');
  if (last == std::string::npos) return std::nullopt;
  const std::string_view module = std::string_view(name).substr(0, last), kind = std::string_view(name).substr(last);
  const GgufLayout& layout = architecture.gguf_layout;
  if (const auto outside = gguf_part(layout.outside, module)) return std::string(*outside) + std::string(kind);

  const std::string_view prefix = architecture.blocks;
  if (!module.starts_with(prefix)) return std::nullopt;
  const std::size_t dot = module.find('.', prefix.size());
  if (dot == std::string_view::npos) return std::nullopt;
  const auto inside = gguf_part(layout.inside, module.substr(dot + 1));
  if (!inside) return std::nullopt;
  return fmt::format("blk.{}.{}{}", module.substr(prefix.size(), dot - prefix.size()), *inside, kind);
}

at::Tensor read_from_gguf(const formats::GgufFile& file, const std::string& name, const DecoderConfig& config) {
  const Architecture& row = architecture_of(config.model_type, "read_from_gguf");
  const auto gguf = gguf_name_of(name, row);
  if (!gguf) fail("read_from_gguf", "tensor '{}': expected a name of {} but received another", name, config.model_type);
  const at::Tensor tensor = file.read(*gguf);
  if (!row.gguf_layout.to_hub) return tensor;
  return in_context(fmt::format("{}: tensor '{}'", file.path().string(), *gguf),
                    [&] { return row.gguf_layout.to_hub(tensor, name, config); });
}

}  // namespace limbeck::models
