#include "models/tensor_files.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"

namespace limbeck::models {

void check_tensors(const NamedParameters& wanted, const formats::TensorSource& source, const NameInFile& name_in_file,
                   const std::function<std::vector<int64_t>(const nn::NamedParameter&)>& shape_in_file) {
  std::vector<std::string> mistakes;
  for (const nn::NamedParameter& p : wanted) {
    const std::string name = name_in_file(p.name);
    if (!source.contains(name)) {
      mistakes.push_back(fmt::format("tensor '{}': expected it but received none", name));
    } else if (const auto shape = source.shape(name), expected = shape_in_file(p); shape != expected) {
      mistakes.push_back(fmt::format("tensor '{}': expected {} but received {}", name, fmt::join(expected, "x"),
                                     fmt::join(shape, "x")));
    }
  }
  if (mistakes.empty()) return;
  const std::size_t more = mistakes.size() > 5 ? mistakes.size() - 5 : 0;
  mistakes.resize(mistakes.size() - more);
  if (more > 0) mistakes.push_back(fmt::format("and {} more", more));
  fail(source.path().string(), "{}", fmt::join(mistakes, "; "));
}

void check_size(double num_weights, const formats::TensorSource& source) {
  double held = 0;
  for (const std::string& name : source.names()) {
    double elements = 1;
    for (const int64_t n : source.shape(name)) elements *= static_cast<double>(n);
    held += elements;
  }
  constexpr double kLittle = 1 << 20;
  if (num_weights > 2 * held + kLittle)
    fail(source.path().string(), "expected {:.0f} weights as the config says but received {:.0f}", num_weights, held);
}

void fill_parameters(const NamedParameters& parameters, const ReadTensor& read) {
  at::NoGradGuard no_grad;
  for (const nn::NamedParameter& p : parameters) {
    const at::Tensor tensor = nn::from_file(read(p.name), p.traits.layout);
    if (!at::isFloatingType(tensor.scalar_type()))
      fail("load_pretrained", "tensor '{}': expected floating-point weights but received {}", p.name,
           c10::toString(tensor.scalar_type()));
    p.tensor->copy_(tensor);
  }
}

}  // namespace limbeck::models
