// The filters, tests and methods that chat templates use; others are refused by name.
#include <algorithm>

#include "base/errors.h"
#include "text/jinja_values.h"
#include "text/unicode.h"

namespace limbeck::text::jinja {
namespace {

constexpr std::size_t kMaxText = std::size_t(16) << 20;
constexpr std::size_t kMaxParts = 1'000'000;  // of a text that is split

void check_size(const std::string& text) {
  if (text.size() > kMaxText) user_fail(kWhere, "expected at most {} bytes of text", kMaxText);
}

const std::string& text_argument(const Json& value, std::string_view of) {
  if (!value.is_string()) user_fail(kWhere, "{}: expected a string but received {}", of, kind_of(value));
  return value.get_ref<const std::string&>();
}

// Python's str.isspace: the spaces of regular expressions and the four information separators.
bool is_python_space(uint32_t c) {
  return (char_classes()[c] & kSpace) || (c >= 0x1C && c <= 0x1F);
}

// str.strip and its kin: white space, or any of `characters`.
std::string_view stripped(std::string_view text, const Json& characters, bool left, bool right) {
  std::vector<uint32_t> wanted;
  const bool spaces = is_undefined(characters) || characters.is_null();
  if (!spaces) {
    const std::string& given = text_argument(characters, "strip");
    for (std::size_t at = 0; at < given.size(); at += code_point_at(given.data() + at).size)
      wanted.push_back(code_point_at(given.data() + at).value);
    std::sort(wanted.begin(), wanted.end());
  }
  const auto goes = [&](const char* at) {
    const uint32_t c = code_point_at(at).value;
    return spaces ? is_python_space(c) : std::binary_search(wanted.begin(), wanted.end(), c);
  };
  while (left && !text.empty() && goes(text.data())) text.remove_prefix(code_point_at(text.data()).size);
  while (right && !text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!goes(text.data() + last)) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

std::string cased(std::string text, bool upper, std::string_view of) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) user_fail(kWhere, "{} of text beyond ASCII is not supported", of);
    if (upper && c >= 'a' && c <= 'z') c = char(c - 32);
    if (!upper && c >= 'A' && c <= 'Z') c = char(c + 32);
  }
  return text;
}
std::string capitalized(const std::string& text, std::string_view of) {
  std::string out = cased(text, false, of);
  if (!out.empty()) out[0] = cased(out.substr(0, 1), true, of)[0];
  return out;
}

std::string replaced(std::string_view text, const std::string& before, const std::string& after) {
  if (before.empty()) user_fail(kWhere, "replace: expected a text to replace but received none");
  std::string out;
  while (true) {
    const std::size_t at = find_text(text, before);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += after;
    check_size(out);
    text.remove_prefix(at + before.size());
  }
}

void add_part(Json& parts, std::string_view part) {
  if (parts.size() == kMaxParts) user_fail(kWhere, "split: expected at most {} parts", kMaxParts);
  parts.push_back(std::string(part));
}

Json split_at_spaces(std::string_view text) {
  Json parts = Json::array();
  for (text = stripped(text, undefined(), true, true); !text.empty();) {
    std::size_t end = 0;
    while (end < text.size() && !is_python_space(code_point_at(text.data() + end).value))
      end += code_point_at(text.data() + end).size;
    add_part(parts, text.substr(0, end));
    text = stripped(text.substr(end), undefined(), true, false);
  }
  return parts;
}

Json split(std::string_view text, const Json& separator, const Json& limit, bool from_right) {
  int64_t left = is_undefined(limit) ? -1 : limit.is_number_integer() ? limit.get<int64_t>() : -1;
  if (is_undefined(separator) || separator.is_null()) {
    if (left >= 0) user_fail(kWhere, "split at white space with a limit is not supported");
    return split_at_spaces(text);
  }
  const std::string& mark = text_argument(separator, "split");
  if (mark.empty()) user_fail(kWhere, "split: expected a separator but received an empty one");
  // From the right is from the left with everything reversed: there is no quick search from the right.
  const std::string reversed_mark(mark.rbegin(), mark.rend()),
      reversed_text = from_right ? std::string(text.rbegin(), text.rend()) : "";
  std::string_view rest = from_right ? reversed_text : text;
  const auto taken = [&](std::string_view part) {
    return from_right ? std::string(part.rbegin(), part.rend()) : std::string(part);
  };
  Json parts = Json::array();
  for (; left != 0; --left) {
    const std::size_t at = find_text(rest, from_right ? reversed_mark : mark);
    if (at == std::string_view::npos) break;
    add_part(parts, taken(rest.substr(0, at)));
    rest.remove_prefix(at + mark.size());
  }
  add_part(parts, taken(rest));
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

std::string joined(const Json& list, const std::string& separator) {
  std::string out;
  bool first = true;
  for (const Json& item : items_of(list)) {
    if (!first) out += separator;
    out += to_text(item);
    check_size(out);
    first = false;
  }
  return out;
}

Json pairs_of(const Json& mapping, std::string_view of) {
  if (!mapping.is_object()) user_fail(kWhere, "{}: expected a mapping but received {}", of, kind_of(mapping));
  Json pairs = Json::array();
  for (const auto& [key, value] : mapping.items()) pairs.push_back(Json::array({key, value}));
  return pairs;
}

// selectattr("role", "equalto", "user"): the items whose attribute passes a test; without a test, whose attribute is
// true.
Json selected(const Json& list, const Arguments& arguments, bool keep) {
  const Json name = arguments.get(0);
  const Json test = arguments.get(1);
  Arguments rest;
  for (std::size_t i = 2; i < arguments.positional.size(); ++i) rest.positional.push_back(arguments.positional[i]);
  Json out = Json::array();
  for (const Json& item : items_of(list)) {
    const Json attribute = item_of(item, name);
    const bool passes =
        is_undefined(test) ? is_true(attribute) : apply_test(text_argument(test, "selectattr"), attribute, rest);
    if (passes == keep) out.push_back(item);
  }
  return out;
}

Json mapped(const Json& list, const Arguments& arguments) {
  const Json attribute = arguments.get(SIZE_MAX, "attribute"), filter = arguments.get(0);
  Json out = Json::array();
  for (const Json& item : items_of(list))
    out.push_back(is_undefined(attribute) ? apply_filter(text_argument(filter, "map"), item, {})
                                          : item_of(item, attribute));
  return out;
}

Json end_of(const Json& value, bool first) {
  if (value.is_string()) return item_of(value, first ? 0 : -1);
  if (value.is_object() && !value.empty()) return first ? value.begin().key() : (--value.end()).key();
  if (!value.is_array() && !value.is_object() && !is_undefined(value))
    user_fail(kWhere, "{}: expected a list, a mapping or a string but received {}", first ? "first" : "last",
              kind_of(value));
  return is_undefined(value) || value.empty() ? undefined() : first ? value.front() : value.back();
}

}  // namespace

Json apply_filter(std::string_view name, const Json& value, const Arguments& arguments) {
  const auto as_text = [&] { return to_text(value); };
  if (name == "trim") return std::string(stripped(as_text(), arguments.get(0, "chars"), true, true));
  if (name == "tojson") return to_json_text(value, arguments.get(0, "indent"));
  if (name == "length" || name == "count") return length_of(value);
  if (name == "string") return as_text();
  if (name == "safe") return value;
  if (name == "upper" || name == "lower") return cased(as_text(), name == "upper", name);
  if (name == "capitalize") return capitalized(as_text(), name);
  if (name == "default" || name == "d") {
    const bool also_false = is_true(arguments.get(1, "boolean"));
    if (!is_undefined(value) && (!also_false || is_true(value))) return value;
    const Json otherwise = arguments.get(0, "default_value");
    return is_undefined(otherwise) ? Json("") : otherwise;
  }
  if (name == "replace")
    return replaced(as_text(), text_argument(arguments.get(0, "old"), name),
                    text_argument(arguments.get(1, "new"), name));
  if (name == "join") {
    const Json separator = arguments.get(0, "d");
    return joined(value, is_undefined(separator) ? "" : text_argument(separator, name));
  }
  if (name == "list") return items_of(value);
  if (name == "items") return is_undefined(value) ? Json::array() : pairs_of(value, name);
  if (name == "first" || name == "last") return end_of(value, name == "first");
  if (name == "reverse") return slice_of(value, undefined(), undefined(), -1);
  if (name == "int") {
    if (value.is_number_integer()) return value;
    if (value.is_number()) return int64_t(value.get<double>());
    const std::string all = as_text(), text(stripped(all, undefined(), true, true));
    const bool good =
        !text.empty() && text.size() < 18 && text.find_first_not_of("0123456789", text[0] == '-') == std::string::npos;
    return good && text != "-" ? Json(int64_t(std::stoll(text))) : Json(int64_t(0));
  }
  if (name == "selectattr" || name == "rejectattr") return selected(value, arguments, name == "selectattr");
  if (name == "map") return mapped(value, arguments);
  user_fail(kWhere, "the filter '{}' is not supported", name);
}

bool apply_test(std::string_view name, const Json& value, const Arguments& arguments) {
  if (name == "defined") return !is_undefined(value);
  if (name == "undefined") return is_undefined(value);
  if (name == "none") return value.is_null();
  if (name == "string") return value.is_string();
  if (name == "mapping") return value.is_object();
  if (name == "sequence" || name == "iterable")
    return value.is_string() || value.is_structured() || is_undefined(value);
  if (name == "number") return value.is_number() || value.is_boolean();
  if (name == "integer") return value.is_number_integer();
  if (name == "float") return value.is_number_float();
  if (name == "boolean") return value.is_boolean();
  if (name == "true" || name == "false") return value.is_boolean() && value.get<bool>() == (name == "true");
  if (name == "odd" || name == "even") return is_true(binary("%", value, 2)) == (name == "odd");
  if (name == "divisibleby") return !is_true(binary("%", value, arguments.get(0)));
  if (name == "equalto" || name == "eq" || name == "==") return is_true(binary("==", value, arguments.get(0)));
  if (name == "ne") return is_true(binary("!=", value, arguments.get(0)));
  if (name == "in") return contains(arguments.get(0), value);
  user_fail(kWhere, "the test '{}' is not supported", name);
}

Json call_method(const Json& value, std::string_view name, const Arguments& arguments) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (name == "strip" || name == "lstrip" || name == "rstrip")
      return std::string(stripped(text, arguments.get(0), name != "rstrip", name != "lstrip"));
    if (name == "split" || name == "rsplit")
      return split(text, arguments.get(0, "sep"), arguments.get(1, "maxsplit"), name == "rsplit");
    if (name == "startswith") return text.starts_with(text_argument(arguments.get(0), name));
    if (name == "endswith") return text.ends_with(text_argument(arguments.get(0), name));
    if (name == "upper" || name == "lower") return cased(text, name == "upper", name);
    if (name == "capitalize") return capitalized(text, name);
    if (name == "replace")
      return replaced(text, text_argument(arguments.get(0), name), text_argument(arguments.get(1), name));
    if (name == "join") return joined(arguments.get(0), text);
  }
  if (value.is_object()) {
    if (name == "items") return pairs_of(value, name);
    if (name == "keys") return items_of(value);
    if (name == "values") {
      Json values = Json::array();
      for (const auto& [key, item] : value.items()) values.push_back(item);
      return values;
    }
    if (name == "get") {
      const Json found = item_of(value, arguments.get(0));
      const Json otherwise = arguments.get(1, "default");
      return !is_undefined(found) ? found : is_undefined(otherwise) ? Json() : otherwise;
    }
  }
  user_fail(kWhere, "the method '{}' of {} is not supported", name, kind_of(value));
}

}  // namespace limbeck::text::jinja
