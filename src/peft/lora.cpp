#include "peft/lora.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>
#include <regex>
#include <set>

#include "base/errors.h"
#include "base/printable.h"
#include "nn/dropout.h"

namespace limbeck::peft {

class LoraBranch final : public nn::AdditiveBranch {
 public:
  LoraBranch(const nn::Linear::Shape& shape, const LoraConfig& config, Seed seed, std::shared_ptr<at::Tensor> rows)
      : a_(at::empty({config.rank, shape.in}, at::kFloat)),
        b_(at::zeros({shape.out, config.rank}, at::kFloat)),
        layout_{.heads = shape.layout.heads},
        scale_(config.scale()),
        rate_(config.dropout),
        salt_(seed.derive("dropout").value()),
        rows_(std::move(rows)) {
    // Kaiming's uniform with a = √5, as nn.Linear starts: within 1/√in.
    Random random(seed.derive("lora_A"));
    const double bound = 1 / std::sqrt(static_cast<double>(shape.in));
    float* numbers = a_.mutable_data_ptr<float>();
    for (int64_t i = 0; i < a_.numel(); ++i) numbers[i] = static_cast<float>((2 * random.uniform() - 1) * bound);
    a_.requires_grad_(true);
    b_.requires_grad_(true);
  }

  at::Tensor forward(const at::Tensor& x) override {
    const at::Tensor in = rows_->defined() && rate_ > 0 ? nn::dropout(x, *rows_, salt_, rate_) : x;
    const at::Tensor low = at::linear(in, a_.to(in.scalar_type()));  // [N,r]
    return at::linear(low * scale_, b_.to(in.scalar_type()));
  }
  at::Tensor delta() override { return at::matmul(b_, a_) * scale_; }
  void parameters(nn::Parameters& p) override {
    p("lora_A.weight", a_);
    p("lora_B.weight", b_, {.fresh = nn::Fresh::kZeros, .layout = layout_});
  }

 private:
  at::Tensor a_, b_;
  nn::FileLayout layout_;  // of the rows of B, which are those of the weight
  double scale_, rate_;
  uint64_t salt_;
  std::shared_ptr<at::Tensor> rows_;
};

namespace {

bool is_named(const std::string& module, const std::string& target) {
  return module == target || module.ends_with("." + target);
}

std::regex compiled(const std::string& expression) {
  try {
    return std::regex(expression);
  } catch (const std::regex_error&) {
    user_fail("lora", "target_modules: expected a regular expression or a list but received '{}'",
              printable(expression));
  }
}

std::vector<nn::NamedLinear> chosen(const std::vector<nn::NamedLinear>& linears, const LoraConfig& config) {
  std::vector<nn::NamedLinear> result;
  std::vector<bool> used(config.targets.size());
  const bool by_expression = !config.target_expression.empty();
  const std::regex expression = compiled(by_expression ? config.target_expression : "x");
  for (const nn::NamedLinear& linear : linears) {
    bool wanted = by_expression && std::regex_match(linear.name, expression);
    for (std::size_t i = 0; !by_expression && i < used.size(); ++i)
      if (config.targets[i] == "all-linear" || is_named(linear.name, config.targets[i])) wanted = used[i] = true;
    if (wanted) result.push_back(linear);
  }
  std::set<std::string> ends;  // what could have been named
  for (const nn::NamedLinear& linear : linears) ends.insert(linear.name.substr(linear.name.rfind('.') + 1));
  for (std::size_t i = 0; !by_expression && i < used.size(); ++i)
    if (!used[i])
      user_fail("lora", "targets: expected all-linear or some of {} but received '{}'", fmt::join(ends, ", "),
                printable(config.targets[i]));
  if (result.empty())
    user_fail("lora", "targets: expected some of {} but received nothing that names one", fmt::join(ends, ", "));
  return result;
}

}  // namespace

double LoraConfig::scale() const {
  const double r = static_cast<double>(rank);
  return alpha / (rank_stabilised ? std::sqrt(r) : r);
}

Lora::Lora(const std::vector<nn::NamedLinear>& linears, const LoraConfig& config, Seed seed)
    : config_(config), rows_(std::make_shared<at::Tensor>()) {
  if (config.rank < 1 || config.rank > 65'536)
    user_fail("lora", "rank: expected 1 to 65536 but received {}", config.rank);
  if (!(config.dropout >= 0) || config.dropout >= 1)
    user_fail("lora", "dropout: expected 0 to below 1 but received {}", config.dropout);
  if (!std::isfinite(config.alpha)) user_fail("lora", "alpha: expected a number but received {}", config.alpha);
  for (const nn::NamedLinear& linear : chosen(linears, config)) {
    auto branch = std::make_shared<LoraBranch>(linear.linear->shape(), config, seed.derive(linear.name), rows_);
    linear.linear->set_branch(branch);
    targets_.push_back({linear.name, linear.linear, std::move(branch)});
  }
}

std::vector<nn::NamedParameter> Lora::parameters() {
  nn::Parameters p;
  for (const Target& target : targets_) p.group(target.module, *target.branch);
  return p.list();
}

bool Lora::is_transposed() const {
  return !targets_.empty() && targets_.front().linear->shape().layout.transposed;
}

void Lora::merge() {
  for (const Target& target : targets_) target.linear->fold();
  targets_.clear();
}

}  // namespace limbeck::peft
