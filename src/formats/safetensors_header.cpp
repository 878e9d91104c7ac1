#include "formats/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "base/errors.h"
#include "base/json.h"
#include "base/printable.h"
#include "tensor/dtype.h"

namespace limbeck::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files hold little-endian numbers");

constexpr uint64_t kLongestHeader = 100'000'000;  // as the reference implementation
constexpr std::size_t kAtenDimensions = 64;       // of ATen's iterators

// Fills a header from the events of the JSON parser, so that a hostile header never becomes a tree in memory.
class SafetensorsHeaderReader {
 public:
  SafetensorsHeaderReader(SafetensorsHeader& header, std::string_view where) : header_(header), where_(where) {}

  bool start_object(std::size_t) {
    if (state_ == State::kStart)
      state_ = State::kTop;
    else if (state_ == State::kTop)
      state_ = entry_.name == "__metadata__" ? State::kMetadata : State::kEntry;
    else
      refuse("an object");
    return true;
  }

  bool end_object() {
    if (state_ == State::kEntry) finish_entry();
    state_ = State::kTop;
    return true;
  }

  bool key(std::string& name) {
    if (state_ == State::kTop) {
      if (!names_.insert(name).second)
        fail(kOpenSafetensors, "{}: tensor '{}': expected it once but received it twice", where_, printable(name));
      entry_ = {};
      entry_.name = name;
      fields_.clear();
      offsets_.clear();
    } else if (state_ == State::kMetadata) {
      if (header_.metadata.contains(name))
        fail(kOpenSafetensors, "{}: metadata '{}': expected it once but received it twice", where_, printable(name));
      field_ = name;
    } else {
      if (name != "dtype" && name != "shape" && name != "data_offsets")
        fail(kOpenSafetensors, "{}: {}: expected dtype, shape and data_offsets but received '{}'", where_, place(),
             printable(name));
      if (!fields_.insert(name).second)
        fail(kOpenSafetensors, "{}: {}: expected '{}' once but received it twice", where_, place(), name);
      field_ = name;
    }
    return true;
  }

  bool string(std::string& text) {
    if (state_ == State::kMetadata) {
      header_.metadata.emplace(field_, text);
      return true;
    }
    if (state_ != State::kEntry || field_ != "dtype") refuse(fmt::format("'{}'", printable(text)));
    const std::optional<at::ScalarType> dtype = dtype_of(text);
    if (!dtype)
      fail(kOpenSafetensors, "{}: {}: expected a known dtype but received '{}'", where_, place(), printable(text));
    entry_.dtype = *dtype;
    return true;
  }

  bool start_array(std::size_t) {
    if (state_ != State::kEntry || field_ == "dtype") refuse("a list");
    state_ = State::kList;
    return true;
  }

  bool end_array() {
    state_ = State::kEntry;
    return true;
  }

  bool number_unsigned(uint64_t value) {
    if (state_ != State::kList || value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      refuse(fmt::format("{}", value));
    if (field_ == "shape") {
      if (entry_.shape.size() == kAtenDimensions)
        fail(kOpenSafetensors, "{}: {}: expected at most {} dimensions but received more", where_, place(),
             kAtenDimensions);
      entry_.shape.push_back(static_cast<int64_t>(value));
    } else {
      if (offsets_.size() == 2)
        fail(kOpenSafetensors, "{}: {}: expected two data_offsets but received more", where_, place());
      offsets_.push_back(value);
    }
    return true;
  }

  bool number_integer(int64_t value) { refuse(fmt::format("{}", value)); }
  bool number_float(double, const std::string& text) { refuse(printable(text)); }
  bool boolean(bool value) { refuse(value ? "true" : "false"); }
  bool null() { refuse("null"); }
  bool binary(nlohmann::json::binary_t&) { refuse("binary"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    fail(kOpenSafetensors, "{}: header: expected JSON in UTF-8 but received something else at byte {} of the file",
         where_,
         position + 7);  // the parser counts from 1, the JSON begins at 8
  }

 private:
  enum class State { kStart, kTop, kMetadata, kEntry, kList };

  std::string place() const {
    if (state_ == State::kStart) return "header";
    if (state_ == State::kMetadata) return "metadata";
    return fmt::format("tensor '{}'", printable(entry_.name));
  }

  [[noreturn]] void refuse(std::string_view received) const {
    std::string_view expected = "an object with dtype, shape and data_offsets";
    if (state_ == State::kStart) expected = "a JSON object";
    if (state_ == State::kMetadata) expected = "text under each key";
    if (state_ == State::kList) expected = "sizes below 2^63";
    if (state_ == State::kEntry) expected = field_ == "dtype" ? "dtype as text" : "shape and data_offsets as lists";
    fail(kOpenSafetensors, "{}: {}: expected {} but received {}", where_, place(), expected, received);
  }

  void finish_entry() {
    if (fields_.size() != 3 || offsets_.size() != 2)
      fail(kOpenSafetensors, "{}: {}: expected dtype, shape and two data_offsets but received only some of them",
           where_, place());
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    header_.entries.push_back(std::move(entry_));
    entry_ = {};
  }

  SafetensorsHeader& header_;
  std::string_view where_;
  State state_ = State::kStart;
  std::unordered_set<std::string> names_, fields_;
  SafetensorsEntry entry_;
  std::vector<uint64_t> offsets_;
  std::string field_;
};

// Bytes of a tensor, or none when a product of its sizes (zeros aside, as strides are made) exceeds 63 bits.
std::optional<uint64_t> num_bytes(const SafetensorsEntry& entry) {
  int64_t product = static_cast<int64_t>(c10::elementSize(entry.dtype));
  bool empty = false;
  for (const int64_t size : entry.shape) {
    empty |= size == 0;
    if (__builtin_mul_overflow(product, std::max<int64_t>(size, 1), &product)) return std::nullopt;
  }
  return empty ? 0 : static_cast<uint64_t>(product);
}

void check_layout(SafetensorsHeader& header, uint64_t num_data_bytes, std::string_view where) {
  std::sort(header.entries.begin(), header.entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t filled = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    const std::string name = printable(entry.name);
    const std::optional<uint64_t> expected = num_bytes(entry);
    if (!expected)
      fail(kOpenSafetensors, "{}: tensor '{}': expected a size below 2^63 bytes but received a larger shape", where,
           name);
    if (entry.begin != filled)
      fail(kOpenSafetensors,
           "{}: tensor '{}': expected its bytes to begin at {} where the one before ends but received {}", where, name,
           filled, entry.begin);
    if (entry.end < entry.begin || entry.end - entry.begin != *expected)
      fail(kOpenSafetensors,
           "{}: tensor '{}': expected {} bytes for its shape and dtype but received the offsets {} to {}", where, name,
           *expected, entry.begin, entry.end);
    if (entry.end > num_data_bytes)
      fail(kOpenSafetensors,
           "{}: tensor '{}': expected at least {} bytes after the header but received {}; is the file cut short?",
           where, name, entry.end, num_data_bytes);
    filled = entry.end;
  }
  if (filled != num_data_bytes)
    fail(kOpenSafetensors, "{}: expected {} bytes of tensors after the header but received {}", where, filled,
         num_data_bytes);
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file, std::string_view where) {
  uint64_t length = 0;
  if (file.size() < sizeof length)
    fail(kOpenSafetensors, "{}: expected at least 8 bytes but received {}", where, file.size());
  std::memcpy(&length, file.data(), sizeof length);
  if (length > kLongestHeader)
    fail(kOpenSafetensors,
         "{}: expected a header of at most {} bytes but received a length of {}; is this a safetensors file?", where,
         kLongestHeader, length);
  if (length > file.size() - sizeof length)
    fail(kOpenSafetensors, "{}: expected a header of {} bytes but received a file of {}; is it cut short?", where,
         length, file.size());

  const char* text = reinterpret_cast<const char*>(file.data()) + sizeof length;
  if (length == 0 || text[0] != '{')
    fail(kOpenSafetensors, "{}: header: expected a JSON object but received something else", where);
  SafetensorsHeader header;
  SafetensorsHeaderReader reader(header, where);
  nlohmann::json::sax_parse(text, text + length, &reader);
  header.data_begin = sizeof length + length;
  check_layout(header, file.size() - header.data_begin, where);
  return header;
}

std::string make_safetensors_header(std::vector<SafetensorsEntry>& entries,
                                    const std::map<std::string, std::string>& metadata) {
  Json json = Json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  uint64_t offset = 0;
  std::unordered_set<std::string> names{"__metadata__"};
  for (SafetensorsEntry& entry : entries) {
    if (!names.insert(entry.name).second)
      fail("write_safetensors", "tensor '{}': expected a name of its own but received one that is taken",
           printable(entry.name));
    const std::optional<uint64_t> size = num_bytes(entry);
    if (!size) fail("write_safetensors", "tensor '{}': expected a size below 2^63 bytes", printable(entry.name));
    entry.begin = offset;
    entry.end = offset += *size;
    // Not json[name] = ...: an ordered object searches all its keys for that.
    json.get_ref<Json::object_t&>().emplace_back(entry.name, Json{{"dtype", safetensors_name(entry.dtype)},
                                                                  {"shape", entry.shape},
                                                                  {"data_offsets", {entry.begin, entry.end}}});
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const Json::type_error&) {
    fail("write_safetensors", "expected names and metadata in UTF-8 but received other bytes");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kLongestHeader)
    fail("write_safetensors", "expected a header of at most {} bytes but received {}", kLongestHeader, text.size());
  const uint64_t length = text.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + text;
}

}  // namespace limbeck::formats
