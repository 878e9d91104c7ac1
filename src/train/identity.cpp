#include "train/identity.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join

#include "base/files.h"

namespace limbeck::train {

std::string identity_of(const std::vector<nn::NamedParameter>& parameters, const std::vector<data::Example>& examples,
                        Options options, Seed seed) {
  std::string text = to_toml(fields_of(options)) + std::to_string(seed.value());
  for (const auto& p : parameters) text += fmt::format("\n{} {}", p.name, fmt::join(p.tensor->sizes(), "x"));
  const auto bytes_of = [](const auto& values) {
    return std::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
  };
  std::string data;
  for (const data::Example& example : examples) {
    data += bytes_of(example.ids);
    data += bytes_of(example.weights);
    data += std::to_string(example.ids.size());
    data += bytes_of(example.types);
    data += bytes_of(example.further);
  }
  return sha256(sha256(text) + sha256(data));
}

}  // namespace limbeck::train
