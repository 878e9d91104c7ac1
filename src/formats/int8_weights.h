// Linear layers in 8 bits as the files of compressed-tensors have them ("int-quantized": github.com/vllm-project/
// compressed-tensors): X.weight holds integers, X.weight_scale [out,1] what those of a row stand for; what comes in is
// rounded token by token when it comes. Both are symmetric. Other tensors stand as they are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "formats/safetensors.h"

namespace limbeck::formats {

// Whether a config.json says that its folder's linear layers are so. Another kind of quantisation throws UserError.
bool has_int8_weights(const Json& config_json, const std::string& where);
// What it says of itself; `ignored`: linear layers that stay as they are.
Json int8_quantization_config(const std::vector<std::string>& ignored);

// The same tensors with those of `layers` (names without ".weight") as integers and scales.
NamedTensors with_int8_weights(const NamedTensors& tensors, const std::vector<std::string>& layers);
// Reads integers as the fp32 numbers that they stand for; scales are no tensors of their own.
std::unique_ptr<TensorSource> read_int8_weights(std::unique_ptr<TensorSource> source);

}  // namespace limbeck::formats
