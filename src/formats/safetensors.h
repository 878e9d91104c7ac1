// safetensors: mapped and read lazily; written atomically.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace limbeck::formats {

// Named tensors in files: a safetensors file, a sharded index, a GGUF file. Reads a tensor when it is asked for.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual std::vector<std::string> names() const = 0;
  virtual bool contains(const std::string& name) const = 0;
  virtual std::vector<int64_t> shape(const std::string& name) const = 0;
  // Stored dtype for safetensors, fp32 for block-quantised GGUF. A copy that owns its memory. Throws Error naming file and tensor.
  virtual at::Tensor read(const std::string& name) const = 0;
  virtual const std::filesystem::path& path() const = 0;
};

std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& file);
// A folder with model.safetensors or model.safetensors.index.json.
std::unique_ptr<TensorSource> open_safetensors_folder(const std::filesystem::path& folder);

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;
void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});
// One file, or shards with an index when larger than max_shard_bytes.
void write_safetensors_folder(const std::filesystem::path& folder, const NamedTensors& tensors, int64_t max_shard_bytes);

}  // namespace limbeck::formats
