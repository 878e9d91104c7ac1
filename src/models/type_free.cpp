#include "models/type_free.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"

namespace limbeck::models {
namespace {

constexpr double kDistilbertEpsilon = 1e-12;  // of its norms; the config has no key for it

EncoderConfig type_free_config(const EncoderConfig& bert) {
  if (bert.model_type != "bert" || bert.layer_norm_eps != kDistilbertEpsilon)
    user_fail("as_distilbert", "expected a model of type bert with layer_norm_eps {} but received {} with {}",
              kDistilbertEpsilon, bert.model_type, bert.layer_norm_eps);
  EncoderConfig config = bert;
  config.model_type = "distilbert";
  config.type_vocab_size = 0;
  config.classifier_dropout = 0.2;
  config.original = Json::object();
  return config;
}

bool is_of(const nn::NamedParameter& p, std::string_view table) {
  return p.name.find(table) != std::string::npos;
}

}  // namespace

std::shared_ptr<Encoder> as_distilbert(Encoder& bert) {
  if (bert.head().kind != HeadKind::kMaskedLm)
    user_fail("as_distilbert", "expected a model with a masked-language-modelling head");
  auto result = make_encoder(type_free_config(bert.config()), bert.head());
  nn::Parameters from, to;
  bert.parameters(from);
  result->parameters(to);
  const at::NoGradGuard no_grad;
  // Both families declare the same parts in the same order; only the token types are missing.
  at::Tensor of_type_0;
  std::vector<const nn::NamedParameter*> kept;
  for (const nn::NamedParameter& p : from.list()) {
    if (is_of(p, "token_type_embeddings"))
      of_type_0 = p.tensor->select(0, 0);
    else
      kept.push_back(&p);
  }
  if (kept.size() != to.list().size())
    fail("as_distilbert", "expected {} tensors but received {}", to.list().size(), kept.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const nn::NamedParameter& target = to.list()[i];
    if (kept[i]->tensor->sizes() != target.tensor->sizes())
      fail("as_distilbert", "expected '{}' and '{}' of one shape", kept[i]->name, target.name);
    target.tensor->copy_(*kept[i]->tensor);
    if (is_of(target, "position_embeddings") && of_type_0.defined()) target.tensor->add_(of_type_0);
  }
  result->weights_changed();
  return result;
}

}  // namespace limbeck::models
