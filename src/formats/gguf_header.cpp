#include "formats/gguf_header.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>
#include <unordered_set>

#include "base/errors.h"
#include "base/printable.h"
#include "formats/byte_reader.h"
#include "formats/gguf_blocks.h"

namespace limbeck::formats {
namespace {

constexpr std::string_view kOpenGguf = "open_gguf";
constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::size_t kLongestName = 65535;
constexpr uint32_t kGgmlDimensions = 4;
constexpr int kDeepestArray = 4;
constexpr uint64_t kMostArrayValues = 1 << 24;  // all arrays together; a vocabulary has some 2^18 scores
constexpr uint64_t kMostStrings = 1 << 22;      // likewise; a vocabulary has some 2^18 tokens and 2^19 merges
constexpr uint64_t kMostTextBytes = 1 << 28;    // of all strings together; a sparse file may claim any number
constexpr uint64_t kLargestAlignment = 1 << 20;

enum class ValueType : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64 };

// The fewest bytes that a value can take, to check a count before anything is allocated; 0 for an unknown type.
uint64_t least_bytes(ValueType type) {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kI8:
    case ValueType::kBool:
      return 1;
    case ValueType::kU16:
    case ValueType::kI16:
      return 2;
    case ValueType::kU32:
    case ValueType::kI32:
    case ValueType::kF32:
      return 4;
    case ValueType::kString:
    case ValueType::kU64:
    case ValueType::kI64:
    case ValueType::kF64:
      return 8;
    case ValueType::kArray:
      return 12;
  }
  return 0;
}

class GgufHeaderReader {
 public:
  GgufHeaderReader(std::span<const std::byte> file, std::string_view where)
      : num_bytes_(file.size()), where_(where), reader_(file, std::string(kOpenGguf), std::string(where)) {}

  GgufHeader read() {
    if (reader_.remaining() < 24)
      fail(kOpenGguf, "{}: expected at least 24 bytes but received {}", where_, reader_.remaining());
    if (const auto magic = reader_.number<uint32_t>(); magic != kMagic)
      fail(kOpenGguf, "{}: expected the first bytes 'GGUF' but received 0x{:08x}", where_, magic);
    header_.version = reader_.number<uint32_t>();
    if ((header_.version & 0xffff) == 0 && header_.version != 0)
      fail(kOpenGguf, "{}: expected a little-endian file but received a big-endian one (version 0x{:08x})", where_,
           header_.version);
    if (header_.version != 2 && header_.version != 3)
      fail(kOpenGguf, "{}: expected GGUF version 2 or 3 but received {}", where_, header_.version);
    const auto num_tensors = reader_.number<uint64_t>();
    const uint64_t num_values = reader_.count(13);  // a key's length, a type, one byte
    if (num_tensors > reader_.remaining() / 24)
      reader_.refuse(fmt::format("expected a count of tensors that the file can hold but received {}", num_tensors));
    for (uint64_t i = 0; i < num_values; ++i) read_value();
    for (uint64_t i = 0; i < num_tensors; ++i) read_tensor();
    place_tensors();
    return std::move(header_);
  }

 private:
  std::string name(std::string_view what) {
    const std::string_view text = reader_.text();
    if (text.empty() || text.size() > kLongestName)
      reader_.refuse(
          fmt::format("expected {} of 1 to {} bytes but received {} bytes", what, kLongestName, text.size()));
    return std::string(text);
  }

  void read_value() {
    const std::string key = name("a metadata key");
    if (!keys_.insert(key).second)
      reader_.refuse(fmt::format("metadata '{}': expected it once but received it twice", printable(key)));
    const auto type = value_type();
    if (type == ValueType::kArray) {
      const auto [element, count] = array_head();
      if (element == ValueType::kString) {
        std::vector<std::string>& strings = header_.strings[key];
        for (uint64_t i = 0; i < count; ++i) strings.push_back(string());
        return;
      }
      put(key, array(element, count, 1));
      return;
    }
    put(key, scalar(type));
  }

  // Not metadata[key] = ...: an ordered object searches all its keys for that.
  void put(const std::string& key, Json value) {
    header_.metadata.get_ref<Json::object_t&>().emplace_back(key, std::move(value));
  }

  ValueType value_type() {
    const auto type = static_cast<ValueType>(reader_.number<uint32_t>());
    if (least_bytes(type) == 0)
      reader_.refuse(fmt::format("expected a metadata type from 0 to 12 but received {}", static_cast<uint32_t>(type)));
    return type;
  }

  std::pair<ValueType, uint64_t> array_head() {
    const ValueType element = value_type();
    const uint64_t count = reader_.count(least_bytes(element));
    if (element == ValueType::kString && (num_strings_ += count) > kMostStrings)
      reader_.refuse(fmt::format("expected at most {} strings in metadata arrays but received more", kMostStrings));
    if (element != ValueType::kString && (num_array_values_ += count) > kMostArrayValues)
      reader_.refuse(fmt::format("expected at most {} numbers in metadata arrays but received more", kMostArrayValues));
    return {element, count};
  }

  Json array(ValueType element, uint64_t count, int depth) {
    if (depth > kDeepestArray)
      reader_.refuse(fmt::format("expected arrays at most {} deep but received deeper ones", kDeepestArray));
    Json values = Json::array();
    for (uint64_t i = 0; i < count; ++i) {
      if (element == ValueType::kArray) {
        const auto [inner, inner_count] = array_head();
        values.push_back(array(inner, inner_count, depth + 1));
      } else {
        values.push_back(scalar(element));
      }
    }
    return values;
  }

  std::string string() {
    const std::string_view text = reader_.text();
    if ((num_text_bytes_ += text.size()) > kMostTextBytes)
      reader_.refuse(fmt::format("expected at most {} bytes of metadata strings but received more", kMostTextBytes));
    return std::string(text);
  }

  Json scalar(ValueType type) {
    switch (type) {
      case ValueType::kU8:
        return reader_.number<uint8_t>();
      case ValueType::kI8:
        return reader_.number<int8_t>();
      case ValueType::kU16:
        return reader_.number<uint16_t>();
      case ValueType::kI16:
        return reader_.number<int16_t>();
      case ValueType::kU32:
        return reader_.number<uint32_t>();
      case ValueType::kI32:
        return reader_.number<int32_t>();
      case ValueType::kU64:
        return reader_.number<uint64_t>();
      case ValueType::kI64:
        return reader_.number<int64_t>();
      case ValueType::kF32:
        return static_cast<double>(reader_.number<float>());
      case ValueType::kF64:
        return reader_.number<double>();
      case ValueType::kString:
        return string();
      case ValueType::kBool: {
        const auto byte = reader_.number<uint8_t>();
        if (byte > 1) reader_.refuse(fmt::format("expected a boolean of 0 or 1 but received {}", byte));
        return byte == 1;
      }
      case ValueType::kArray:
        break;
    }
    reader_.refuse("expected a metadata value but received an unknown type");
  }

  void read_tensor() {
    GgufTensor tensor;
    tensor.name = name("a tensor name");
    if (!tensors_.insert(tensor.name).second)
      reader_.refuse(fmt::format("tensor '{}': expected it once but received it twice", printable(tensor.name)));
    const auto num_dimensions = reader_.number<uint32_t>();
    if (num_dimensions > kGgmlDimensions)
      reader_.refuse(fmt::format("tensor '{}': expected at most {} dimensions but received {}", printable(tensor.name),
                                 kGgmlDimensions, num_dimensions));
    for (uint32_t i = 0; i < num_dimensions; ++i) {
      const auto size = reader_.number<uint64_t>();
      if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        reader_.refuse(
            fmt::format("tensor '{}': expected sizes below 2^63 but received {}", printable(tensor.name), size));
      tensor.shape.push_back(static_cast<int64_t>(size));
    }
    tensor.type = reader_.number<uint32_t>();
    const GgufTypeInfo* info = find_gguf_type(tensor.type);
    if (info == nullptr)
      reader_.refuse(fmt::format("tensor '{}': expected a known type but received the number {}",
                                 printable(tensor.name), tensor.type));
    // The first size of the file is that of a row, which is whole blocks.
    const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.front();
    if (row % info->block_values != 0)
      reader_.refuse(fmt::format("tensor '{}': expected rows of a multiple of {} numbers for {} but received {}",
                                 printable(tensor.name), info->block_values, info->name, row));
    std::reverse(tensor.shape.begin(), tensor.shape.end());
    tensor.begin = reader_.number<uint64_t>();  // from the start of the data, for now
    header_.tensors.push_back(std::move(tensor));
  }

  // Bytes of a tensor, or none when its numbers or their fp32 bytes exceed 63 bits.
  static std::optional<uint64_t> num_bytes(const GgufTensor& tensor) {
    int64_t values = 1, decoded = 0;
    bool empty = false;
    for (const int64_t size : tensor.shape) {
      empty |= size == 0;
      if (__builtin_mul_overflow(values, std::max<int64_t>(size, 1), &values)) return std::nullopt;
    }
    if (__builtin_mul_overflow(values, int64_t{8}, &decoded)) return std::nullopt;
    const GgufTypeInfo& info = *find_gguf_type(tensor.type);
    if (empty) return 0;
    int64_t bytes = 0;
    if (__builtin_mul_overflow(values / info.block_values, info.block_bytes, &bytes)) return std::nullopt;
    return static_cast<uint64_t>(bytes);
  }

  uint64_t alignment() const {
    const auto found = header_.metadata.find("general.alignment");
    if (found == header_.metadata.end()) return 32;
    const uint64_t value = found->is_number_integer() ? found->get<uint64_t>() : 0;
    if (value == 0 || value > kLargestAlignment || (value & (value - 1)) != 0)
      fail(kOpenGguf, "{}: expected a general.alignment that is a power of two up to {} but received {}", where_,
           kLargestAlignment, printable(found->dump(-1, ' ', true, Json::error_handler_t::replace)));
    return value;
  }

  void place_tensors() {
    const uint64_t align = alignment();
    const uint64_t data_begin = (reader_.position() + align - 1) / align * align;
    for (GgufTensor& tensor : header_.tensors) {
      const std::string name = printable(tensor.name);
      const std::optional<uint64_t> size = num_bytes(tensor);
      if (!size)
        fail(kOpenGguf, "{}: tensor '{}': expected a size below 2^63 bytes but received a larger shape", where_, name);
      if (tensor.begin % align != 0)
        fail(kOpenGguf, "{}: tensor '{}': expected an offset that is a multiple of {} but received {}", where_, name,
             align, tensor.begin);
      const uint64_t data_bytes = num_bytes_ - std::min<uint64_t>(num_bytes_, data_begin);
      if (tensor.begin > data_bytes || *size > data_bytes - tensor.begin)
        fail(kOpenGguf,
             "{}: tensor '{}': expected {} bytes at offset {} of the data but received {} bytes of data; is the file "
             "cut short?",
             where_, name, *size, tensor.begin, data_bytes);
      tensor.begin += data_begin;
      tensor.end = tensor.begin + *size;
    }
    refuse_overlap();
  }

  void refuse_overlap() const {
    std::vector<const GgufTensor*> by_offset;
    for (const GgufTensor& tensor : header_.tensors)
      if (tensor.end > tensor.begin) by_offset.push_back(&tensor);
    std::sort(by_offset.begin(), by_offset.end(), [](const GgufTensor* a, const GgufTensor* b) {
      return std::tie(a->begin, a->end, a->name) < std::tie(b->begin, b->end, b->name);
    });
    for (std::size_t i = 1; i < by_offset.size(); ++i)
      if (by_offset[i]->begin < by_offset[i - 1]->end)
        fail(kOpenGguf, "{}: tensor '{}': expected bytes of its own but received an offset inside tensor '{}'", where_,
             printable(by_offset[i]->name), printable(by_offset[i - 1]->name));
  }

  uint64_t num_bytes_;
  std::string_view where_;
  ByteReader reader_;
  GgufHeader header_;
  std::unordered_set<std::string> keys_, tensors_;
  uint64_t num_array_values_ = 0, num_strings_ = 0, num_text_bytes_ = 0;
};

}  // namespace

GgufHeader parse_gguf_header(std::span<const std::byte> file, std::string_view where) {
  return GgufHeaderReader(file, where).read();
}

}  // namespace limbeck::formats
