#include "formats/int8_weights.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "base/errors.h"

namespace limbeck::formats {
namespace {

constexpr const char* kScale = "_scale";  // after the name of the integers
constexpr std::string_view kWeight = ".weight";

class Int8Source final : public TensorSource {
 public:
  explicit Int8Source(std::unique_ptr<TensorSource> source) : source_(std::move(source)) {}

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const std::string& name : source_->names())
      if (!is_scale(name)) names.push_back(name);
    return names;
  }
  bool contains(const std::string& name) const override { return source_->contains(name) && !is_scale(name); }
  std::vector<int64_t> shape(const std::string& name) const override { return source_->shape(name); }
  const std::filesystem::path& path() const override { return source_->path(); }

  at::Tensor read(const std::string& name) const override {
    const at::Tensor stored = source_->read(name);
    if (!source_->contains(name + kScale)) {
      if (stored.scalar_type() == at::kChar)
        fail(path().string(), "tensor '{}': expected integers with scales in '{}{}' but received none", name, name,
             kScale);
      return stored;
    }
    const at::Tensor scales = source_->read(name + kScale);
    if (stored.scalar_type() != at::kChar || stored.dim() != 2)
      fail(path().string(), "tensor '{}': expected a matrix of 8-bit integers but received {} of {} dimensions", name,
           c10::toString(stored.scalar_type()), stored.dim());
    if (!at::isFloatingType(scales.scalar_type()) || scales.numel() != stored.size(0))
      fail(path().string(), "tensor '{}{}': expected a scale for each of {} rows but received {}", name, kScale,
           stored.size(0), scales.numel());
    const at::Tensor wide = scales.to(at::kFloat).view({-1, 1});
    if (!at::isfinite(wide).all().item<bool>())
      fail(path().string(), "tensor '{}{}': expected finite scales but received some that are not", name, kScale);
    return stored.to(at::kFloat).mul_(wide);
  }

 private:
  bool is_scale(const std::string& name) const {
    return name.ends_with(std::string(kWeight) + kScale) &&
           source_->contains(name.substr(0, name.size() - std::string_view(kScale).size()));
  }

  std::unique_ptr<TensorSource> source_;
};

// The value at a path of keys, or null.
Json at_path(const Json& json, std::initializer_list<const char*> keys) {
  const Json* here = &json;
  for (const char* key : keys) {
    const auto next = here->is_object() ? here->find(key) : here->end();
    if (!here->is_object() || next == here->end()) return nullptr;
    here = &*next;
  }
  return *here;
}

}  // namespace

bool has_int8_weights(const Json& config_json, const std::string& where) {
  const Json quantisation = at_path(config_json, {"quantization_config"});
  if (quantisation.is_null()) return false;
  const auto expect = [&](const Json& part, std::initializer_list<const char*> keys, const Json& wanted) {
    const Json found = at_path(part, keys);
    if (found != wanted)
      user_fail(where,
                "quantization_config: expected {} {} but received {}; 8-bit weights of compressed-tensors are read",
                *(keys.end() - 1), wanted.dump(), found.dump());
  };
  expect(quantisation, {"quant_method"}, "compressed-tensors");
  expect(quantisation, {"format"}, "int-quantized");
  const Json groups = at_path(quantisation, {"config_groups"});
  if (!groups.is_object() || groups.size() != 1)
    user_fail(where, "quantization_config: expected one group of layers but received {}",
              groups.is_object() ? groups.size() : 0);
  const Json& group = *groups.begin();
  for (const char* part : {"weights", "input_activations"}) {
    expect(group, {part, "num_bits"}, 8);
    expect(group, {part, "type"}, "int");
    expect(group, {part, "symmetric"}, true);
  }
  expect(group, {"weights", "strategy"}, "channel");
  expect(group, {"input_activations", "strategy"}, "token");
  expect(group, {"input_activations", "dynamic"}, true);
  return true;
}

Json int8_quantization_config(const std::vector<std::string>& ignored) {
  const auto numbers = [](const char* strategy, bool dynamic) {
    return Json{{"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", strategy}, {"dynamic", dynamic}};
  };
  return {{"quant_method", "compressed-tensors"},
          {"format", "int-quantized"},
          {"quantization_status", "compressed"},
          {"config_groups",
           {{"group_0",
             {{"targets", {"Linear"}},
              {"weights", numbers("channel", false)},
              {"input_activations", numbers("token", true)}}}}},
          {"ignore", ignored}};
}

NamedTensors with_int8_weights(const NamedTensors& tensors, const std::vector<std::string>& layers) {
  std::set<std::string> wanted;
  for (const std::string& layer : layers) wanted.insert(layer + std::string(kWeight));
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    if (wanted.erase(name) == 0) {
      result.emplace_back(name, tensor);
      continue;
    }
    const at::Tensor rows = tensor.detach().to(at::kFloat).contiguous();
    if (rows.dim() != 2) fail("int8", "tensor '{}': expected a matrix but received {} dimensions", name, rows.dim());
    if (!at::isfinite(rows).all().item<bool>())
      fail("int8", "tensor '{}': expected finite numbers but received some that are not", name);
    const at::Tensor scales = rows.abs().amax(1, true) / 127;  // the largest number of a row becomes 127
    const at::Tensor integers = at::where(scales > 0, at::round(rows / scales), at::zeros_like(rows)).to(at::kChar);
    result.emplace_back(name, integers);
    result.emplace_back(name + kScale, scales);
  }
  if (!wanted.empty()) fail("int8", "expected the tensor '{}' but received none of that name", *wanted.begin());
  return result;
}

std::unique_ptr<TensorSource> read_int8_weights(std::unique_ptr<TensorSource> source) {
  return std::make_unique<Int8Source>(std::move(source));
}

}  // namespace limbeck::formats
