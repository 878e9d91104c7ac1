// Every layer names its parameters once, under the names of the Hugging Face checkpoint:
//   void parameters(Parameters& p) { p("weight", weight); }      p.group("q_proj", q_proj);
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

namespace limbeck::nn {

struct NamedParameter {
  std::string name;  // "model.layers.0.self_attn.q_proj.weight"
  at::Tensor* tensor;
};

class Parameters {
 public:
  void operator()(std::string_view name, at::Tensor& tensor) {
    list_.push_back({prefix_ + std::string(name), &tensor});
  }
  template <class Layer>
  void group(std::string_view name, Layer& layer) {
    const std::string before = prefix_;
    prefix_ += std::string(name) + ".";
    layer.parameters(*this);
    prefix_ = before;
  }
  const std::vector<NamedParameter>& list() const { return list_; }

 private:
  std::string prefix_;
  std::vector<NamedParameter> list_;
};

}  // namespace limbeck::nn
