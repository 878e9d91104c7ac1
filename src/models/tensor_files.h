// Between the tensors of a file and the parameters of a model, whatever kind of model it is.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "nn/parameters.h"

namespace limbeck::models {

using NamedParameters = std::vector<nn::NamedParameter>;
using NameInFile = std::function<std::string(const std::string& hugging_face_name)>;
using ReadTensor = std::function<at::Tensor(const std::string& hugging_face_name)>;

// Throws Error with the names that a model wants and the file lacks, or has in another shape, all at once.
void check_tensors(const NamedParameters& wanted, const formats::TensorSource& source, const NameInFile& name_in_file,
                   const std::function<std::vector<int64_t>(const nn::NamedParameter&)>& shape_in_file);

// Before any memory is asked for: the weights that a config from outside asks for must about fit the tensors beside it.
// What is a little off is left to check_tensors, which can name the tensor.
void check_size(double num_weights, const formats::TensorSource& source);

// Throws Error naming a tensor that holds no floating-point numbers.
void fill_parameters(const NamedParameters& parameters, const ReadTensor& read);

}  // namespace limbeck::models
