#include "formats/gguf.h"

#include <ATen/ATen.h>

#include <cstring>
#include <unordered_map>

#include "base/errors.h"
#include "base/files.h"
#include "base/printable.h"
#include "formats/gguf_header.h"

namespace limbeck::formats {
namespace {

class MappedGguf : public GgufFile {
 public:
  explicit MappedGguf(const std::filesystem::path& file)
      : map_(file), header_(parse_gguf_header(map_.bytes(), file.string())) {
    for (std::size_t i = 0; i < header_.tensors.size(); ++i) index_.emplace(header_.tensors[i].name, i);
  }

  const Json& metadata() const override { return header_.metadata; }
  const std::vector<std::string>* strings(const std::string& key) const override {
    const auto found = header_.strings.find(key);
    return found == header_.strings.end() ? nullptr : &found->second;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const GgufTensor& tensor : header_.tensors) names.push_back(tensor.name);
    return names;
  }
  bool contains(const std::string& name) const override { return index_.contains(name); }
  std::vector<int64_t> shape(const std::string& name) const override { return tensor(name).shape; }
  const std::filesystem::path& path() const override { return map_.path(); }

  GgufBlocks blocks(const std::string& name) const override {
    const GgufTensor& t = tensor(name);
    return {static_cast<GgufType>(t.type), map_.bytes().subspan(t.begin, t.end - t.begin)};
  }

  at::Tensor read(const std::string& name) const override {
    const GgufTensor& t = tensor(name);
    const auto [type, bytes] = blocks(name);
    const GgufTypeInfo& info = info_of(type);
    if (!info.readable)
      fail("read_gguf", "{}: tensor '{}': expected a type that can be decoded but received {}", path().string(),
           printable(name), info.name);
    switch (type) {
      case GgufType::kI8:
        return copied(bytes, t.shape, at::kChar);
      case GgufType::kI16:
        return copied(bytes, t.shape, at::kShort);
      case GgufType::kI32:
        return copied(bytes, t.shape, at::kInt);
      case GgufType::kI64:
        return copied(bytes, t.shape, at::kLong);
      case GgufType::kF64:
        return copied(bytes, t.shape, at::kDouble);
      case GgufType::kF32:
        return copied(bytes, t.shape, at::kFloat);
      default:
        break;
    }
    at::Tensor values = at::empty(t.shape, at::kFloat);
    decode_blocks(type, bytes.data(), values.data_ptr<float>(), values.numel());
    return values;
  }

 private:
  static at::Tensor copied(std::span<const std::byte> bytes, const std::vector<int64_t>& shape, at::ScalarType dtype) {
    at::Tensor tensor = at::empty(shape, dtype);
    if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
    return tensor;
  }

  const GgufTensor& tensor(const std::string& name) const {
    const auto found = index_.find(name);
    if (found == index_.end())
      fail("read_gguf", "{}: tensor '{}': expected it in the file but received none of that name", path().string(),
           printable(name));
    return header_.tensors[found->second];
  }

  MappedFile map_;
  GgufHeader header_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace

std::unique_ptr<GgufFile> open_gguf(const std::filesystem::path& file) {
  return std::make_unique<MappedGguf>(file);
}

}  // namespace limbeck::formats
