// A smaller model from a larger one: some of its blocks, the rest as it is (as DistilBERT, arXiv:1910.01108, sec. 3
// starts its student).
#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <map>
#include <string>

#include "base/errors.h"
#include "models/catalog.h"
#include "models/language_model.h"

namespace limbeck::models {

std::vector<int64_t> evenly_spaced_layers(int64_t num_layers, int64_t keep) {
  if (keep < 1 || keep > num_layers)
    fail("evenly_spaced_layers", "expected 1 to {} layers to keep but received {}", num_layers, keep);
  if (keep == 1) return {0};
  std::vector<int64_t> layers;
  // Rounded to the nearest: the gaps differ by at most one, the ends are always in.
  for (int64_t i = 0; i < keep; ++i) layers.push_back((2 * i * (num_layers - 1) + (keep - 1)) / (2 * (keep - 1)));
  return layers;
}

std::shared_ptr<LanguageModel> slice_layers(LanguageModel& model, const std::vector<int64_t>& layers) {
  DecoderConfig config = model.config();
  if (layers.empty()) fail("slice_layers", "expected at least one layer but received none");
  const std::vector<bool> windowed = config.windowed_layers;
  config.windowed_layers.clear();
  for (const int64_t layer : layers) {
    if (layer < 0 || layer >= config.num_hidden_layers)
      fail("slice_layers", "expected layers of 0 to {} but received {}", config.num_hidden_layers - 1, layer);
    if (!windowed.empty()) config.windowed_layers.push_back(windowed[layer]);
  }
  config.num_hidden_layers = static_cast<int64_t>(layers.size());

  nn::Parameters whole, sliced;
  model.parameters(whole);
  std::map<std::string, const at::Tensor*> sources;
  for (const nn::NamedParameter& p : whole.list()) sources[p.name] = p.tensor;
  auto result = make_decoder(config);
  result->parameters(sliced);

  at::NoGradGuard no_grad;
  const std::string prefix(architecture_of(config.model_type, "slice_layers").blocks);
  for (const nn::NamedParameter& p : sliced.list()) {
    std::string source = p.name;
    if (source.starts_with(prefix)) {
      const std::size_t dot = source.find('.', prefix.size());
      const int64_t index = std::stoll(source.substr(prefix.size(), dot - prefix.size()));
      source = prefix + std::to_string(layers[index]) + source.substr(dot);
    }
    p.tensor->copy_(*sources.at(source));
  }
  return result;
}

}  // namespace limbeck::models
