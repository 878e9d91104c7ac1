// safetensors: mapped and read lazily; written atomically.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace limbeck::formats {

// Named tensors in files: a safetensors file, a sharded index, a GGUF file. Reads a tensor when it is asked for.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual std::vector<std::string> names() const = 0;  // in the order of the file
  virtual bool contains(const std::string& name) const = 0;
  virtual std::vector<int64_t> shape(const std::string& name) const = 0;
  // Stored dtype for safetensors, fp32 for block-quantised GGUF. A copy that owns its memory. Throws Error naming file
  // and tensor.
  virtual at::Tensor read(const std::string& name) const = 0;
  virtual const std::filesystem::path& path() const = 0;
};

std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& file);
// A folder with model.safetensors or model.safetensors.index.json; the single file is taken where both are, as
// Transformers does.
std::unique_ptr<TensorSource> open_safetensors_folder(const std::filesystem::path& folder);

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;
// Tensors go to disk one after another, so that no second copy of the model is made. `stored`: floating-point tensors
// are rounded to this type on their way; a finite number that becomes infinite in it is an error.
void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {},
                       std::optional<at::ScalarType> stored = std::nullopt);
// One file, or shards with an index when larger than max_shard_bytes. Model files of an earlier save in the same folder
// that do not belong to this one are removed at the end. Each file is written atomically; for the whole folder to be
// so, write inside write_folder_atomically.
void write_safetensors_folder(const std::filesystem::path& folder, const NamedTensors& tensors, int64_t max_shard_bytes,
                              std::optional<at::ScalarType> stored = std::nullopt);

}  // namespace limbeck::formats
