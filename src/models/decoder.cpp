// Making decoders: from a config alone, and with fresh weights as Hugging Face initialises them.
#include "models/catalog.h"
#include "models/config.h"
#include "models/fresh_weights.h"
#include "models/language_model.h"

namespace limbeck::models {

std::shared_ptr<LanguageModel> make_decoder(const DecoderConfig& config) {
  check_config(config, "make_decoder");
  return architecture_of(config.model_type, "make_decoder").make(config);
}

std::shared_ptr<LanguageModel> make_decoder(const DecoderConfig& config, Seed seed) {
  auto model = make_decoder(config);
  nn::Parameters parameters;
  model->parameters(parameters);
  for (const nn::NamedParameter& p : parameters.list()) fill_fresh(p, config.initializer_range, seed);
  return model;
}

}  // namespace limbeck::models
