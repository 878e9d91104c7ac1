// LoRA (Hu et al. 2021, arXiv:2106.09685): y = x Wᵀ + s · dropout(x) Aᵀ Bᵀ with W kept as it is, A [r,in] drawn at
// random, B [out,r] zeros at first and s = alpha / r, or alpha / √r (rsLoRA, arXiv:2312.03732). Fills the additive
// slots of a model's linears, whatever the architecture; merges into the weights for export. Initialised as the peft
// package does.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/seeds.h"
#include "nn/linear.h"
#include "nn/parameters.h"

namespace limbeck::peft {

struct LoraConfig {
  int64_t rank = 8;
  double alpha = 16, dropout = 0;
  bool rank_stabilised = false;  // s = alpha / √r
  // Module names or their last parts ("q_proj", "attn.c_proj"); "all-linear": every linear but the output weight.
  std::vector<std::string> targets = {"all-linear"};
  // Instead of the list where it is not empty: a regular expression (ECMAScript) that a whole module name matches.
  std::string target_expression;
  double scale() const;
};

class LoraBranch;

// The branches of one model, which must outlive this.
class Lora {
 public:
  // Fills the slots of the linears that the config names; throws UserError when it names none.
  Lora(const std::vector<nn::NamedLinear>& linears, const LoraConfig& config, Seed seed);

  const LoraConfig& config() const { return config_; }
  // A and B of each target under "MODULE.lora_A.weight" and "MODULE.lora_B.weight", as files hold them too.
  std::vector<nn::NamedParameter> parameters();
  bool is_transposed() const;  // files hold the targets' weights as [in,out]
  // What the rows of the next passes draw their dropout by: keys [N] int64 of the tokens; undefined: nothing is
  // dropped.
  void set_rows(const at::Tensor& keys) { *rows_ = keys; }
  // Adds the branches to the weights and empties the slots. Once.
  void merge();

 private:
  struct Target {
    std::string module;
    nn::Linear* linear;
    std::shared_ptr<LoraBranch> branch;
  };
  LoraConfig config_;
  std::shared_ptr<at::Tensor> rows_;
  std::vector<Target> targets_;
};

}  // namespace limbeck::peft
