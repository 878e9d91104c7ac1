// The filters, tests and methods that chat templates use; others are refused by name.
#include <algorithm>
#include <cmath>  // std::abs

#include "base/errors.h"
#include "text/jinja_values.h"
#include "text/unicode.h"
#include "text/unicode_properties.h"

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

std::string cased(const std::string& text, bool upper, std::string_view of) {
  if (!upper) {
    if (text.find("\u03A3") != std::string::npos)
      user_fail(kWhere, "{} of a capital sigma is not supported", of);  // which depends on where it stands
    std::string lowered;
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text.data() + at);
      append_lower_case(c.value, lowered);
      at += c.size;
    }
    return lowered;
  }
  std::string raised = text;
  for (char& c : raised) {
    if (static_cast<unsigned char>(c) >= 0x80) user_fail(kWhere, "{} of text beyond ASCII is not supported", of);
    if (c >= 'a' && c <= 'z') c = char(c - 32);
  }
  return raised;
}

// str.title: upper case after whatever is no letter.
std::string titled(const std::string& text, std::string_view of) {
  std::string out = cased(text, false, of);
  bool inside = false;
  for (char& c : out) {
    const bool letter = (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
    if (letter && !inside) c = cased(std::string(1, c), true, of)[0];
    inside = letter;
  }
  return out;
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

Json split_lines(std::string_view text) {
  Json lines = Json::array();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (end < text.size() && line.ends_with('\r')) line.remove_suffix(1);
    add_part(lines, line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
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

// select("equalto", 3): the items that pass a test; without a test, those that are true.
Json tested(const Json& list, const Arguments& arguments, bool keep) {
  const Json test = arguments.get(0);
  Arguments rest;
  for (std::size_t i = 1; i < arguments.positional.size(); ++i) rest.positional.push_back(arguments.positional[i]);
  Json out = Json::array();
  for (const Json& item : items_of(list)) {
    const bool passes = is_undefined(test) ? is_true(item) : apply_test(text_argument(test, "select"), item, rest);
    if (passes == keep) out.push_back(item);
  }
  return out;
}

Json mapped(const Json& list, const Arguments& arguments) {
  const Json attribute = arguments.get(SIZE_MAX, "attribute"), filter = arguments.get(0);
  Json out = Json::array();
  Arguments rest;
  for (std::size_t i = 1; i < arguments.positional.size(); ++i) rest.positional.push_back(arguments.positional[i]);
  const Json otherwise = arguments.get(SIZE_MAX, "default");
  for (const Json& item : items_of(list)) {
    Json made =
        is_undefined(attribute) ? apply_filter(text_argument(filter, "map"), item, rest) : item_of(item, attribute);
    out.push_back(is_undefined(made) ? otherwise : std::move(made));
  }
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
  if (name == "tojson") return to_json_text(value, arguments);
  if (name == "length" || name == "count") return length_of(value);
  if (name == "string") return as_text();
  if (name == "safe") return value;
  if (name == "upper" || name == "lower") return cased(as_text(), name == "upper", name);
  if (name == "capitalize") return capitalized(as_text(), name);
  if (name == "title") return titled(as_text(), name);
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
    const Json separator = arguments.get(0, "d"), attribute = arguments.get(1, "attribute");
    if (!is_undefined(attribute)) {
      Arguments by;
      by.named.emplace_back("attribute", attribute);
      return joined(mapped(value, by), is_undefined(separator) ? "" : text_argument(separator, name));
    }
    return joined(value, is_undefined(separator) ? "" : text_argument(separator, name));
  }
  if (name == "list") return items_of(value);
  if (name == "items") return is_undefined(value) ? Json::array() : pairs_of(value, name);
  if (name == "first" || name == "last") return end_of(value, name == "first");
  if (name == "reverse") return slice_of(value, undefined(), undefined(), -1);
  if (name == "int") {
    if (value.is_number_integer()) return value;
    if (value.is_number()) {
      const double number = value.get<double>();
      if (!(std::abs(number) < 0x1p63)) user_fail(kWhere, "int: expected a number within 64 bits");
      return int64_t(number);
    }
    const std::string all = as_text(), text(stripped(all, undefined(), true, true));
    const bool good =
        !text.empty() && text.size() < 18 && text.find_first_not_of("0123456789", text[0] == '-') == std::string::npos;
    return good && text != "-" ? Json(int64_t(std::stoll(text))) : Json(int64_t(0));
  }
  if (name == "selectattr" || name == "rejectattr") return selected(value, arguments, name == "selectattr");
  if (name == "map") return mapped(value, arguments);
  if (name == "select" || name == "reject") return tested(value, arguments, name == "select");
  if (const auto made = apply_list_filter(name, value, arguments)) return *made;
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
  for (const auto& [word, op] :
       {std::pair{"lt", "<"}, {"lessthan", "<"}, {"le", "<="}, {"gt", ">"}, {"greaterthan", ">"}, {"ge", ">="}})
    if (name == word || name == op) return is_true(binary(op, value, arguments.get(0)));
  if (name == "sameas")
    return value.type() == arguments.get(0).type() && is_true(binary("==", value, arguments.get(0)));
  if (name == "callable") return false;
  if (name == "lower" || name == "upper") {
    const std::string text = to_text(value);
    const bool letters =
        std::any_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x80 || (c | 32U) - 'a' < 26U; });
    return letters && cased(text, name == "upper", name) == text;
  }
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
    if (name == "title") return titled(text, name);
    if (name == "removeprefix" || name == "removesuffix") {
      const std::string& part = text_argument(arguments.get(0), name);
      if (name == "removeprefix") return text.starts_with(part) ? text.substr(part.size()) : text;
      return text.ends_with(part) ? text.substr(0, text.size() - part.size()) : text;
    }
    if (name == "count") {
      const std::string& part = text_argument(arguments.get(0), name);
      if (part.empty()) user_fail(kWhere, "count: expected a text to count but received none");
      int64_t count = 0;
      std::string_view rest = text;
      for (std::size_t at; (at = find_text(rest, part)) != std::string_view::npos; ++count)
        rest.remove_prefix(at + part.size());
      return count;
    }
    if (name == "find") {
      const std::size_t at = find_text(text, text_argument(arguments.get(0), name));
      return at == std::string_view::npos ? Json(int64_t(-1)) : Json(length_of(text.substr(0, at)));
    }
    if (name == "isdigit") {  // of ASCII; other digits are not asked about
      return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    }
    if (name == "splitlines") return split_lines(text);
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
