#include "formats/gguf_write.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <type_traits>

#include "base/errors.h"
#include "base/files.h"
#include "base/printable.h"
#include "formats/gguf_encode.h"

namespace limbeck::formats {
namespace {

constexpr uint64_t kAlignment = 32;  // of each tensor, counted from the first
constexpr std::size_t kNameRoom = 64 - 1, kDimensionRoom = 4;
constexpr int64_t kNumbersAtOnce = int64_t{1} << 22;  // encoded before they are written

template <class T>
void put(std::string& out, T number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
void put_text(std::string& out, std::string_view text) {
  put<uint64_t>(out, text.size());
  out.append(text);
}

// The number that a GGUF file gives the type of a value.
template <class T>
constexpr uint32_t type_id() {
  if constexpr (std::is_same_v<T, uint32_t>) return 4;
  if constexpr (std::is_same_v<T, int32_t>) return 5;
  if constexpr (std::is_same_v<T, float>) return 6;
  if constexpr (std::is_same_v<T, bool>) return 7;
  if constexpr (std::is_same_v<T, std::string>) return 8;
  return 9;  // an array
}

template <class T>
void put_value(std::string& out, const T& value) {
  put(out, value);
}
void put_value(std::string& out, const std::string& value) {
  put_text(out, value);
}
template <class T>
void put_value(std::string& out, const std::vector<T>& values) {
  put(out, type_id<T>());
  put<uint64_t>(out, values.size());
  for (const T& value : values) put_value(out, value);
}

uint64_t aligned(uint64_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

uint64_t bytes_of(const GgufPiece& piece) {
  const GgufTypeInfo& info = info_of(piece.type);
  return static_cast<uint64_t>(piece.tensor.numel() / info.block_values * info.block_bytes);
}

void check_piece(const GgufPiece& piece, std::string_view where) {
  const auto refuse = [&](const std::string& message) {
    fail(where, "tensor '{}': {}", printable(piece.name), message);
  };
  if (piece.name.empty() || piece.name.size() > kNameRoom)
    refuse(fmt::format("expected a name of 1 to {} bytes but received {}", kNameRoom, piece.name.size()));
  if (!piece.tensor.defined() || !at::isFloatingType(piece.tensor.scalar_type()))
    refuse("expected floating-point numbers but received none");
  const auto dimensions = static_cast<std::size_t>(piece.tensor.dim());
  if (dimensions < 1 || dimensions > kDimensionRoom || piece.tensor.numel() == 0)
    refuse(fmt::format("expected 1 to {} dimensions and numbers in them but received {} dimensions, {} numbers",
                       kDimensionRoom, dimensions, piece.tensor.numel()));
  if (!can_encode(piece.type))
    refuse(fmt::format("expected F32, F16, BF16, Q8_0 or Q4_0 but received {}", info_of(piece.type).name));
  const int64_t row = piece.tensor.size(-1), block = info_of(piece.type).block_values;
  if (row % block != 0)
    refuse(fmt::format("expected rows of whole {} blocks of {} but received rows of {}", info_of(piece.type).name,
                       block, row));
  if (!at::isfinite(piece.tensor).all().item<bool>()) refuse("expected finite numbers but received others");
  constexpr double kLargestHalf = 65504;
  const double largest = piece.tensor.abs().max().item<double>();
  if (piece.type == GgufType::kF16 && largest > kLargestHalf)
    refuse(fmt::format("expected numbers that fit F16 but received {}; BF16 has room for it", largest));
}

// Everything before the first tensor's bytes.
std::string header_of(const GgufMetadata& metadata, const std::vector<GgufPiece>& pieces) {
  std::string out = "GGUF";
  put<uint32_t>(out, 3);
  put<uint64_t>(out, pieces.size());
  put<uint64_t>(out, metadata.size());
  for (const auto& [key, value] : metadata) {
    put_text(out, key);
    std::visit(
        [&](const auto& it) {
          put(out, type_id<std::decay_t<decltype(it)>>());
          put_value(out, it);
        },
        value);
  }
  uint64_t offset = 0;
  for (const GgufPiece& piece : pieces) {
    put_text(out, piece.name);
    put(out, static_cast<uint32_t>(piece.tensor.dim()));
    for (int64_t axis = piece.tensor.dim() - 1; axis >= 0; --axis)  // GGUF names the fastest axis first
      put(out, static_cast<uint64_t>(piece.tensor.size(axis)));
    put(out, static_cast<uint32_t>(piece.type));
    put(out, offset);
    offset += aligned(bytes_of(piece));
  }
  out.resize(aligned(out.size()), '\0');
  return out;
}

void write_piece(const GgufPiece& piece, const Sink& sink) {
  const GgufTypeInfo& info = info_of(piece.type);
  const at::Tensor numbers = piece.tensor.detach().to(at::kCPU).contiguous().flatten();
  std::string bytes;
  for (int64_t begin = 0; begin < numbers.numel(); begin += kNumbersAtOnce) {
    const int64_t count = std::min(kNumbersAtOnce, numbers.numel() - begin);
    const at::Tensor part = numbers.narrow(0, begin, count).to(at::kFloat);
    bytes.resize(static_cast<std::size_t>(count / info.block_values * info.block_bytes));
    encode_blocks(piece.type, part.const_data_ptr<float>(), reinterpret_cast<std::byte*>(bytes.data()), count);
    sink(bytes);
  }
  sink(std::string(aligned(bytes_of(piece)) - bytes_of(piece), '\0'));
}

}  // namespace

void write_gguf(const std::filesystem::path& file, const GgufMetadata& metadata, const std::vector<GgufPiece>& pieces) {
  std::set<std::string_view> names;
  for (const GgufPiece& piece : pieces) {
    check_piece(piece, file.string());
    if (!names.insert(piece.name).second)
      fail(file.string(), "tensor '{}': expected each name once but received it twice", printable(piece.name));
  }
  const std::string header = header_of(metadata, pieces);
  write_file_atomically(file, [&](const Sink& sink) {
    sink(header);
    for (const GgufPiece& piece : pieces) write_piece(piece, sink);
  });
}

}  // namespace limbeck::formats
