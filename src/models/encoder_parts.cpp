// Encoders from encoders: the same body under another head, and a model of some blocks of another (as DistilBERT,
// arXiv:1910.01108, sec. 3 starts its student).
#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <map>
#include <string>

#include "base/errors.h"
#include "models/encoder.h"
#include "models/encoder_body.h"
#include "models/encoder_catalog.h"

namespace limbeck::models {
namespace {

// Without the body's own name, so that a body under a head and one alone are named alike.
std::string below_body(const std::string& name, const EncoderArchitecture& row) {
  const std::string prefix = std::string(row.body) + ".";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::map<std::string, const at::Tensor*> tensors_of(Encoder& encoder, const EncoderArchitecture& row) {
  nn::Parameters parameters;
  encoder.parameters(parameters);
  std::map<std::string, const at::Tensor*> tensors;
  for (const nn::NamedParameter& p : parameters.list()) tensors[below_body(p.name, row)] = p.tensor;
  return tensors;
}

// The blocks that the kept layers go through and, where layers share blocks, whether the smaller model's layers go
// through the same ones.
std::vector<int64_t> blocks_kept(const EncoderConfig& whole, const std::vector<int64_t>& layers, EncoderConfig& kept) {
  std::vector<int64_t> blocks;
  for (const int64_t layer : layers) {
    const int64_t block = block_of_layer(whole, layer);
    if (blocks.empty() || blocks.back() != block) blocks.push_back(block);
  }
  kept.num_hidden_layers = static_cast<int64_t>(layers.size());
  if (whole.num_hidden_groups == 0) return blocks;
  kept.num_hidden_groups = static_cast<int64_t>(blocks.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const int64_t goes_through = blocks[static_cast<std::size_t>(block_of_layer(kept, static_cast<int64_t>(i)))];
    if (goes_through != block_of_layer(whole, layers[i]))
      user_fail("keep_layers",
                "expected as many layers of each of the {} groups that share weights but received {} of {} layers "
                "that do not divide evenly",
                kept.num_hidden_groups, layers.size(), whole.num_hidden_layers);
  }
  return blocks;
}

}  // namespace

std::shared_ptr<Encoder> with_head(Encoder& encoder, const Head& head, Seed seed) {
  const EncoderArchitecture& row = encoder_architecture_of(encoder.config().model_type, "with_head");
  auto result = make_encoder(encoder.config(), head, seed);
  const auto sources = tensors_of(encoder, row);
  nn::Parameters parameters;
  result->parameters(parameters);
  // The pooler of a body is named as one of its parts in every head.
  const std::string pooler = below_body(row.outputs(encoder.config(), HeadKind::kNone).dense, row);
  at::NoGradGuard no_grad;
  for (const nn::NamedParameter& p : parameters.list()) {
    const std::string name = below_body(p.name, row);
    const bool of_body = name != p.name || is_of_body(row, name) || (!pooler.empty() && name.starts_with(pooler));
    const auto source = sources.find(name);
    if (of_body && source != sources.end()) p.tensor->copy_(*source->second);
  }
  return result;
}

std::shared_ptr<Encoder> keep_layers(Encoder& encoder, const std::vector<int64_t>& layers) {
  const EncoderConfig& whole = encoder.config();
  const EncoderArchitecture& row = encoder_architecture_of(whole.model_type, "keep_layers");
  if (layers.empty()) user_fail("keep_layers", "expected at least one layer but received none");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i] < 0 || layers[i] >= whole.num_hidden_layers)
      user_fail("keep_layers", "expected layers of 0 to {} but received {}", whole.num_hidden_layers - 1, layers[i]);
    if (i > 0 && layers[i] <= layers[i - 1])
      user_fail("keep_layers", "expected layers in ascending order but received {} after {}", layers[i], layers[i - 1]);
  }
  EncoderConfig config = whole;
  const std::vector<int64_t> blocks = blocks_kept(whole, layers, config);
  auto result = make_encoder(config, encoder.head());
  const auto sources = tensors_of(encoder, row);
  nn::Parameters parameters;
  result->parameters(parameters);
  at::NoGradGuard no_grad;
  const std::string prefix(row.names.blocks);
  for (const nn::NamedParameter& p : parameters.list()) {
    std::string source = below_body(p.name, row);
    if (source.starts_with(prefix)) {
      const std::size_t dot = source.find('.', prefix.size());
      const auto index = static_cast<std::size_t>(std::stoll(source.substr(prefix.size(), dot - prefix.size())));
      source = prefix + std::to_string(blocks[index]) + source.substr(dot);
    }
    p.tensor->copy_(*sources.at(source));
  }
  return result;
}

}  // namespace limbeck::models
