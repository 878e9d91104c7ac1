// Every layer names its parameters once, under the names of the Hugging Face checkpoint, and says what they start as
// and how files hold them:
//   void parameters(Parameters& p) { p("weight", weight); }      p.group("q_proj", q_proj);
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

#include "nn/file_layout.h"

namespace limbeck::nn {

class Linear;

enum class Fresh { kNormal, kOnes, kZeros };  // normal: mean 0

struct Traits {
  Fresh fresh = Fresh::kNormal;
  double deviation = 1;  // of kNormal, times the config's initializer_range
  FileLayout layout;
};

struct NamedParameter {
  std::string name;  // "model.layers.0.self_attn.q_proj.weight"
  at::Tensor* tensor;
  Traits traits;
};

struct NamedLinear {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  Linear* linear;
};

class Parameters {
 public:
  void operator()(std::string_view name, at::Tensor& tensor, const Traits& traits = {}) {
    list_.push_back({prefix_ + std::string(name), &tensor, traits});
  }
  // The linear layer whose parameters are named next; what adapters find by its name.
  void linear(Linear& layer) {
    linears_.push_back({prefix_.substr(0, prefix_.empty() ? 0 : prefix_.size() - 1), &layer});
  }
  template <class Layer>
  void group(std::string_view name, Layer& layer) {
    inside(name, [&] { layer.parameters(*this); });
  }
  template <class F>
  void inside(std::string_view name, F&& f) {
    const std::string before = prefix_;
    prefix_ += std::string(name) + ".";
    f();
    prefix_ = before;
  }
  const std::vector<NamedParameter>& list() const { return list_; }
  const std::vector<NamedLinear>& linears() const { return linears_; }

 private:
  std::string prefix_;
  std::vector<NamedParameter> list_;
  std::vector<NamedLinear> linears_;
};

}  // namespace limbeck::nn
