#include "base/json.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "base/files.h"
#include "base/json_lines.h"

namespace limbeck {
namespace {

constexpr std::size_t kMaxDepth = 512;  // copying, comparing and writing recurse; nothing honest comes near

// What stands at a place, short and printable.
std::string shown(std::string_view text, std::size_t most = 60) {
  const bool cut = text.size() > most;
  if (cut) {
    text = text.substr(0, most);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.remove_suffix(1);
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.remove_suffix(1);
  }
  std::string printable = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  printable = printable.substr(1, printable.size() - 2);
  for (std::size_t at = 0; (at = printable.find("\\\"", at)) != std::string::npos; ++at) printable.erase(at, 1);
  return printable + (cut ? "…" : "");
}

// Builds a value from the parser's events. Unlike the library's own builder it appends a key without comparing it with
// all earlier ones (an ordered object is a list, and a vocabulary has 50,000 keys), refuses a key that comes twice, and
// refuses nesting that would exhaust the stack of whoever walks the value.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Json root;
  std::size_t error_at = 0;
  std::string error;

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return stop("binary value"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    auto& level = open_.back();
    auto& object = *level.value->get_ptr<Json::object_t*>();
    if (!level.add_key(value, object)) return stop(fmt::format("each key once but received '{}' twice", shown(value)));
    object.emplace_back(std::move(value), nullptr);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: what": only the last part is news.
    const std::string text = e.what();
    const auto colon = text.find(": ");
    error = colon == std::string::npos ? text : text.substr(colon + 2);
    // "…; last read: '…'; expected …" repeats the token, however long and broken it is.
    if (const auto repeats = error.find("; last read: '"); repeats != std::string::npos)
      error.erase(repeats, error.rfind('\'') + 1 - repeats);
    error = shown(error, 200);
    error_at = position > 0 ? position - 1 : 0;
    return false;
  }

 private:
  struct Level {
    Json* value;
    std::unordered_set<std::string> keys;  // used from the 17th key on
    bool add_key(const std::string& key, const Json::object_t& object) {
      constexpr std::size_t kFew = 16;
      if (object.size() < kFew)
        return std::none_of(object.begin(), object.end(), [&](const auto& entry) { return entry.first == key; });
      if (keys.empty())
        for (const auto& entry : object) keys.insert(entry.first);
      return keys.insert(key).second;
    }
  };

  Json* place(Json value) {
    if (open_.empty()) return &(root = std::move(value));
    Json& parent = *open_.back().value;
    if (parent.is_array()) {
      auto& array = *parent.get_ptr<Json::array_t*>();
      array.push_back(std::move(value));
      return &array.back();
    }
    return &(parent.get_ptr<Json::object_t*>()->back().second = std::move(value));
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (open_.size() == kMaxDepth)
      return stop(fmt::format("at most {} levels of nesting but received more", kMaxDepth));
    Json* at = place(std::move(value));
    open_.push_back({.value = at, .keys = {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool stop(std::string what) {
    error = "expected " + std::move(what);
    return false;
  }

  std::vector<Level> open_;
};

struct Position {
  std::size_t line = 1, column = 1;
};

Position position_of(std::string_view text, std::size_t offset) {
  Position position;
  offset = std::min(offset, text.size());
  for (std::size_t i = 0; i < offset; ++i) {
    ++position.column;
    if (text[i] == '\n') ++position.line, position.column = 1;
  }
  return position;
}

// A line of a JSONL file; throws UserError naming path:line.
Json parse_row(std::string_view line, const std::string& path, int64_t number) {
  Builder builder;
  const auto where = fmt::format("{}:{}", path, number);
  if (!Json::sax_parse(line.begin(), line.end(), &builder))
    user_fail(where, "expected a JSON object but received '{}': {}{}", shown(line), builder.error,
              builder.error_at > 0 ? fmt::format(" (column {})", builder.error_at + 1) : "");
  if (!builder.root.is_object()) user_fail(where, "expected a JSON object but received {}", shown(line));
  return std::move(builder.root);
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\f\v") == std::string_view::npos;
}

template <class T>
constexpr const char* kNameOf = nullptr;
template <>
constexpr const char* kNameOf<std::string> = "a string";
template <>
constexpr const char* kNameOf<double> = "a number";
template <>
constexpr const char* kNameOf<int64_t> = "a whole number";
template <>
constexpr const char* kNameOf<bool> = "true or false";

template <class T>
bool holds(const Json& value) {
  if constexpr (std::is_same_v<T, std::string>) return value.is_string();
  if constexpr (std::is_same_v<T, bool>) return value.is_boolean();
  if constexpr (std::is_same_v<T, double>) return value.is_number();
  if constexpr (std::is_same_v<T, int64_t>)
    return value.is_number_unsigned() ? value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)
                                      : value.is_number_integer();
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  Builder builder;
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.root);
  const auto at = position_of(text, builder.error_at);
  fail(fmt::format("{}:{}:{}", where, at.line, at.column), "expected JSON: {}", builder.error);
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path, kLargestTextFile), path.string());
}

void write_json(const std::filesystem::path& path, const Json& value) {
  write_file_atomically(path, value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void read_jsonl(const std::filesystem::path& path, const std::function<void(const Json& row, int64_t line)>& on_row) {
  read_jsonl_text(read_file(path), path.string(), on_row);
}

void read_growing_jsonl(const std::filesystem::path& path,
                        const std::function<void(const Json& row, int64_t line)>& on_row) {
  const std::string text = read_file(path);
  read_jsonl_text(std::string_view(text).substr(0, text.rfind('\n') + 1), path.string(), on_row);
}

void read_jsonl_text(std::string_view text, const std::string& path,
                     const std::function<void(const Json& row, int64_t line)>& on_row) {
  int64_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const auto line = text.substr(begin, end - begin);
    ++number;
    if (!is_blank(line)) on_row(parse_row(line, path, number), number);
    begin = end + 1;
  }
}

std::string to_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class T>
T field(const Json& row, const char* key, std::string_view where) {
  const auto found = row.is_object() ? row.find(key) : row.end();
  if (found == row.end()) user_fail(where, "field '{}': expected {} but it is not there", key, kNameOf<T>);
  if (!holds<T>(*found))
    user_fail(where, "field '{}': expected {} but received {}", key, kNameOf<T>, shown(to_line(*found)));
  return found->get<T>();
}

template std::string field<std::string>(const Json&, const char*, std::string_view);
template double field<double>(const Json&, const char*, std::string_view);
template int64_t field<int64_t>(const Json&, const char*, std::string_view);
template bool field<bool>(const Json&, const char*, std::string_view);

}  // namespace limbeck
