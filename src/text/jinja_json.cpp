// The filter tojson, as Transformers defines it: Python's json.dumps, which puts a space after commas and colons.
#include <algorithm>

#include "base/errors.h"
#include "text/jinja_values.h"
#include "text/unicode.h"

namespace limbeck::text::jinja {
namespace {

struct JsonStyle {
  bool ascii = false, sorted = false;
  std::string indent;  // of one level, "" for all in one line
  bool lines = false;
  std::string comma = ", ", colon = ": ";
};

void append_string(const std::string& text, const JsonStyle& style, std::string& out) {
  const std::string quoted = Json(text).dump();
  if (!style.ascii) {
    out += quoted;
    return;
  }
  for (std::size_t at = 0; at < quoted.size();) {
    const CodePoint c = code_point_at(quoted.data() + at);
    at += c.size;
    if (c.value < 128) {
      out += char(c.value);
    } else if (c.value < 0x10000) {
      out += fmt::format("\\u{:04x}", c.value);
    } else {
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((c.value - 0x10000) >> 10), 0xDC00 + (c.value & 0x3FF));
    }
  }
}

void append_json(const Json& value, const JsonStyle& style, int depth, std::string& out) {
  if (value.is_string()) return append_string(value.get_ref<const std::string&>(), style, out);
  if (is_undefined(value)) user_fail(kWhere, "tojson: expected a value but received an undefined one");
  if (!value.is_structured()) {
    out += value.dump();
    return;
  }
  const bool object = value.is_object();
  if (value.empty()) {
    out += object ? "{}" : "[]";
    return;
  }
  const auto new_line = [&](int levels) {
    if (!style.lines) return;
    out += '\n';
    for (int i = 0; i < levels; ++i) out += style.indent;
  };
  std::vector<std::pair<const std::string*, const Json*>> items;
  if (object) {
    for (const auto& item : value.get_ref<const Json::object_t&>()) items.emplace_back(&item.first, &item.second);
    if (style.sorted) std::sort(items.begin(), items.end(), [](auto& a, auto& b) { return *a.first < *b.first; });
  } else {
    for (const Json& item : value) items.emplace_back(nullptr, &item);
  }
  out += object ? '{' : '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += style.comma;
    new_line(depth + 1);
    if (object) {
      append_string(*items[i].first, style, out);
      out += style.colon;
    }
    append_json(*items[i].second, style, depth + 1, out);
  }
  new_line(depth);
  out += object ? '}' : ']';
}

}  // namespace

std::string to_json_text(const Json& value, const Arguments& arguments) {
  JsonStyle style{.ascii = is_true(arguments.get(0, "ensure_ascii")), .sorted = is_true(arguments.get(3, "sort_keys"))};
  const Json indent = arguments.get(1, "indent"), separators = arguments.get(2, "separators");
  if (indent.is_number_integer()) {
    const int64_t width = indent.get<int64_t>();
    if (width < 0 || width > 16) user_fail(kWhere, "tojson: expected an indent from 0 to 16 but received {}", width);
    style.indent = std::string(std::size_t(width), ' ');
    style.lines = true;
    style.comma = ",";
  }
  if (separators.is_array()) {
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string())
      user_fail(kWhere, "tojson: expected two texts as separators");
    style.comma = separators[0].get<std::string>();
    style.colon = separators[1].get<std::string>();
  }
  std::string out;
  append_json(value, style, 0, out);
  return out;
}

}  // namespace limbeck::text::jinja
