// Making decoders: from a config alone, and with fresh weights as Hugging Face initialises them.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "base/errors.h"
#include "models/catalog.h"
#include "models/config.h"
#include "models/language_model.h"

namespace limbeck::models {
namespace {

// Normal with mean 0. Each block of elements has its own derived seed, so any number of threads gives the same weights.
void fill_normal(at::Tensor& tensor, double deviation, Seed seed) {
  constexpr int64_t kBlock = 1 << 14;
  float* data = tensor.mutable_data_ptr<float>();
  const int64_t n = tensor.numel(), blocks = (n + kBlock - 1) / kBlock;
#pragma omp parallel for schedule(static)
  for (int64_t block = 0; block < blocks; ++block) {
    Random random(seed.derive(static_cast<uint64_t>(block)));
    const int64_t end = std::min(n, (block + 1) * kBlock);
    for (int64_t i = block * kBlock; i < end; ++i) data[i] = static_cast<float>(random.normal() * deviation);
  }
}

}  // namespace

std::shared_ptr<LanguageModel> make_decoder(const DecoderConfig& config) {
  check_config(config, "make_decoder");
  return architecture_of(config.model_type, "make_decoder").make(config);
}

std::shared_ptr<LanguageModel> make_decoder(const DecoderConfig& config, Seed seed) {
  auto model = make_decoder(config);
  at::NoGradGuard no_grad;
  nn::Parameters parameters;
  model->parameters(parameters);
  for (const nn::NamedParameter& p : parameters.list()) {
    switch (p.traits.fresh) {
      case nn::Fresh::kOnes:
        p.tensor->fill_(1);
        break;
      case nn::Fresh::kZeros:
        p.tensor->zero_();
        break;
      case nn::Fresh::kNormal:
        fill_normal(*p.tensor, config.initializer_range * p.traits.deviation, seed.derive(p.name));
        break;
    }
  }
  return model;
}

}  // namespace limbeck::models
