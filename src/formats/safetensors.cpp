#include "formats/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "base/errors.h"
#include "base/files.h"
#include "base/printable.h"
#include "formats/safetensors_header.h"
#include "tensor/dtype.h"

namespace limbeck::formats {
namespace {

class SafetensorsFile : public TensorSource {
 public:
  explicit SafetensorsFile(const std::filesystem::path& file)
      : map_(file), header_(parse_safetensors_header(map_.bytes(), file.string())) {
    for (std::size_t i = 0; i < header_.entries.size(); ++i) index_.emplace(header_.entries[i].name, i);
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const SafetensorsEntry& entry : header_.entries) names.push_back(entry.name);
    return names;
  }
  bool contains(const std::string& name) const override { return index_.contains(name); }
  std::vector<int64_t> shape(const std::string& name) const override { return entry(name).shape; }
  const std::filesystem::path& path() const override { return map_.path(); }

  at::Tensor read(const std::string& name) const override {
    const SafetensorsEntry& e = entry(name);
    at::Tensor tensor = at::empty(e.shape, e.dtype);
    const std::size_t size = e.end - e.begin;
    if (size > 0) std::memcpy(tensor.data_ptr(), map_.bytes().data() + header_.data_begin + e.begin, size);
    if (e.dtype == at::kBool) make_booleans(tensor);
    return tensor;
  }

 private:
  const SafetensorsEntry& entry(const std::string& name) const {
    const auto found = index_.find(name);
    if (found == index_.end())
      fail("read_safetensors", "{}: tensor '{}': expected it in the file but received none of that name",
           path().string(), printable(name));
    return header_.entries[found->second];
  }

  // A bool that is neither 0 nor 1 is undefined behaviour in C++; any byte but 0 means true, as in NumPy.
  static void make_booleans(const at::Tensor& tensor) {
    auto* bytes = static_cast<unsigned char*>(tensor.data_ptr());
    for (int64_t i = 0; i < tensor.numel(); ++i) bytes[i] = bytes[i] != 0;
  }

  MappedFile map_;
  SafetensorsHeader header_;
  std::unordered_map<std::string, std::size_t> index_;
};

// On the CPU, dense, in the stored type.
at::Tensor prepared(const std::string& name, const at::Tensor& tensor, at::ScalarType dtype) {
  const at::Tensor source = tensor.detach().to(at::kCPU);
  const at::Tensor stored = source.to(dtype).contiguous();
  if (stored.scalar_type() != source.scalar_type()) {
    const int64_t lost = (~at::isfinite(stored.to(at::kFloat)) & at::isfinite(source)).sum().item<int64_t>();
    if (lost > 0)
      fail("write_safetensors", "tensor '{}': expected numbers that fit {} but received {} that do not",
           printable(name), safetensors_name(dtype), lost);
  }
  return stored;
}

}  // namespace

std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& file) {
  return std::make_unique<SafetensorsFile>(file);
}

void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata, std::optional<at::ScalarType> stored) {
  struct Piece {
    const std::string* name;
    const at::Tensor* tensor;
    at::ScalarType dtype;
  };
  std::vector<Piece> pieces;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined())
      fail("write_safetensors", "{}: tensor '{}': expected numbers but received none", file.string(), printable(name));
    const at::ScalarType own = tensor.scalar_type();
    pieces.push_back({&name, &tensor, stored && at::isFloatingType(own) ? *stored : own});
  }
  // Wide types first, so that every tensor is aligned to its type; then by name: the reference implementation's order.
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::tuple(-dtype_rank(a.dtype), std::string_view(*a.name)) <
           std::tuple(-dtype_rank(b.dtype), std::string_view(*b.name));
  });
  std::vector<SafetensorsEntry> entries;
  for (const Piece& piece : pieces)
    entries.push_back({.name = *piece.name, .dtype = piece.dtype, .shape = piece.tensor->sizes().vec()});
  const std::string header = in_context(file.string(), [&] { return make_safetensors_header(entries, metadata); });
  write_file_atomically(file, [&](const Sink& sink) {
    sink(header);
    for (const Piece& piece : pieces) {
      const at::Tensor bytes = prepared(*piece.name, *piece.tensor, piece.dtype);
      if (bytes.nbytes() > 0) sink({static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()});
    }
  });
}

}  // namespace limbeck::formats
