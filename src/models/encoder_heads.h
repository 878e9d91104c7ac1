// The heads of encoders, all families' by two shapes: a product to a few outputs with perhaps a product and its
// activation before it, and the vocabulary product of masked language modelling. What they are called and where their
// dropout stands is the architecture's to say.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "models/encoder_body.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"
#include "nn/output_head.h"

namespace limbeck::models {

// out(dropout(f(dense(dropout(x)))))
struct OutputsLayout {
  std::string dense = {};                         // the name of the product before, below the model; empty: none
  std::optional<nn::Activation> activation = {};  // after it; none: tanh
  double dropout_in = 0, dropout_out = 0;         // rates before `dense` and before `out`
  std::string out = {};                           // empty: there are no outputs beyond `dense`
};

class OutputsHead {
 public:
  OutputsHead(const OutputsLayout& layout, int64_t width, int64_t outputs);  // uninitialised
  // x [M,D] -> [M,outputs] fp32; without outputs [M,D].
  at::Tensor forward(const at::Tensor& x, const RowDropout& dropout);
  void parameters(nn::Parameters& p);
  void set_precision(Precision precision);
  void weights_changed();
  void freeze(Precision precision, WeightFormat weights);

 private:
  OutputsLayout layout_;
  std::optional<nn::Linear> dense_;
  std::optional<nn::Linear> out_;  // fp32 in any case: it is small, and decides
};

struct MaskedLmLayout {
  std::string dense, norm, output;  // names of the transform's product and norm, and of what has the bias
  nn::Activation activation = nn::Activation::kGelu;
};

// The vocabulary product, tied to the words, of norm(f(dense(x))).
class MaskedLmHead {
 public:
  MaskedLmHead(const MaskedLmLayout& layout, const EncoderConfig& config, nn::Embedding& words);
  at::Tensor transform(const at::Tensor& x);  // [M,D] -> [M,E] fp32
  nn::OutputHead& output() { return output_; }
  void parameters(nn::Parameters& p);
  void set_precision(Precision precision);
  void weights_changed();
  void freeze(Precision precision, WeightFormat weights);  // before the words' own

 private:
  MaskedLmLayout layout_;
  nn::Linear dense_;
  nn::LayerNorm norm_;
  nn::OutputHead output_;
};

}  // namespace limbeck::models
