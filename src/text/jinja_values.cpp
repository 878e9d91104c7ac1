#include "text/jinja_values.h"

#include <algorithm>
#include <cmath>
#include <cstring>  // memmem

#include "base/errors.h"
#include "text/unicode.h"

namespace limbeck::text::jinja {
namespace {

const std::string& text_of(const Json& value) {
  return value.get_ref<const std::string&>();
}

int64_t whole_number(const Json& value, const char* what) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (!value.is_number_integer())
    user_fail(kWhere, "{}: expected a whole number but received {}", what, kind_of(value));
  return value.get<int64_t>();
}

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

// Where the character stands that is so many behind (or before, when negative) the one at `at`.
std::size_t moved(std::string_view text, std::size_t at, int64_t characters) {
  for (; characters > 0; --characters) at += code_point_at(text.data() + at).size;
  for (; characters < 0; ++characters)
    for (--at; !begins_character(text[at]);) --at;
  return at;
}

std::string character_at(const std::string& text, std::size_t at) {
  return text.substr(at, code_point_at(text.data() + at).size);
}

bool equal(const Json& left, const Json& right) {
  if (is_undefined(left) || is_undefined(right)) return is_undefined(left) && is_undefined(right);
  return left == right;
}

bool less(const Json& left, const Json& right) {
  if ((left.is_number() && right.is_number()) || (left.is_string() && right.is_string())) return left < right;
  user_fail(kWhere, "expected two numbers or two strings to compare but received {} and {}", kind_of(left),
            kind_of(right));
}

Json whole_arithmetic(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &result);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &result);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &result);
  } else {
    if (b == 0) user_fail(kWhere, "expected a divisor other than 0");
    if (op == "/") return double(a) / double(b);
    if (b == -1) return op == "%" ? Json(int64_t(0)) : whole_arithmetic("-", 0, a);
    const bool down = a % b != 0 && (a < 0) != (b < 0);  // Python rounds down
    result = op == "%" ? a % b + (down ? b : 0) : a / b - (down ? 1 : 0);
  }
  if (overflow) user_fail(kWhere, "expected whole numbers of 64 bits");
  return result;
}

Json repeated_text(const std::string& text, const Json& times) {
  constexpr int64_t kMost = 1 << 20;  // bytes
  const int64_t count = std::max<int64_t>(0, times.get<int64_t>());
  if (!text.empty() && count > kMost / int64_t(text.size()))
    user_fail(kWhere, "'*': expected at most {} bytes of text", kMost);
  std::string out;
  for (int64_t i = 0; i < count && !text.empty(); ++i) out += text;
  return out;
}

Json arithmetic(std::string_view op, const Json& left, const Json& right) {
  if (op == "+" && left.is_string() && right.is_string()) return text_of(left) + text_of(right);
  if (op == "*" && left.is_string() && right.is_number_integer()) return repeated_text(text_of(left), right);
  if (op == "*" && right.is_string() && left.is_number_integer()) return repeated_text(text_of(right), left);
  if (op == "+" && left.is_array() && right.is_array()) {
    Json joined = left;
    for (const Json& item : right) joined.push_back(item);
    return joined;
  }
  if (left.is_number_integer() && right.is_number_integer())
    return whole_arithmetic(op, left.get<int64_t>(), right.get<int64_t>());
  if (!left.is_number() || !right.is_number())
    user_fail(kWhere, "'{}': expected two numbers or two strings but received {} and {}", op, kind_of(left),
              kind_of(right));
  const double a = left.get<double>(), b = right.get<double>();
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (b == 0) user_fail(kWhere, "expected a divisor other than 0");
  if (op == "/") return a / b;
  const double floor = std::floor(a / b);
  return op == "//" ? floor : a - floor * b;
}

std::string quoted_as_python(const std::string& text) {  // enough for what templates print
  const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == quote || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + quote;
}

}  // namespace

Json Arguments::get(std::size_t index, std::string_view name) const {
  if (index < positional.size()) return positional[index];
  for (const auto& [known, value] : named)
    if (known == name) return value;
  return undefined();
}

std::string kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::discarded:
      return "an undefined value";
    case Json::value_t::null:
      return "none";
    case Json::value_t::boolean:
      return "true or false";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::object:
      return "a mapping";
    default:
      return "a number";
  }
}

bool is_true(const Json& value) {
  switch (value.type()) {
    case Json::value_t::discarded:
    case Json::value_t::null:
      return false;
    case Json::value_t::boolean:
      return value.get<bool>();
    case Json::value_t::string:
    case Json::value_t::array:
    case Json::value_t::object:
      return value.is_string() ? !text_of(value).empty() : !value.empty();
    default:
      return value.get<double>() != 0;
  }
}

std::string to_text(const Json& value) {
  switch (value.type()) {
    case Json::value_t::discarded:
      return "";
    case Json::value_t::null:
      return "None";
    case Json::value_t::boolean:
      return value.get<bool>() ? "True" : "False";
    case Json::value_t::string:
      return text_of(value);
    case Json::value_t::array:
    case Json::value_t::object: {
      const auto shown = [](const Json& item) {
        return item.is_string() ? quoted_as_python(text_of(item)) : to_text(item);
      };
      std::string out;
      for (const auto& [key, item] : value.items()) {
        if (!out.empty()) out += ", ";
        if (value.is_object()) out += quoted_as_python(key) + ": ";
        out += shown(item);
      }
      return value.is_object() ? "{" + out + "}" : "[" + out + "]";
    }
    default:
      return value.dump();
  }
}

int64_t length_of(const Json& value) {
  if (is_undefined(value)) return 0;
  if (value.is_string()) return std::count_if(text_of(value).begin(), text_of(value).end(), begins_character);
  if (value.is_structured()) return int64_t(value.size());
  user_fail(kWhere, "length: expected a string, a list or a mapping but received {}", kind_of(value));
}

std::size_t find_text(std::string_view text, std::string_view part) {
  const void* found = memmem(text.data(), text.size(), part.data(), part.size());
  return found ? std::size_t(static_cast<const char*>(found) - text.data()) : std::string_view::npos;
}

bool contains(const Json& container, const Json& item) {
  if (is_undefined(container)) return false;
  if (container.is_string()) {
    if (!item.is_string())
      user_fail(kWhere, "'in': expected a string to look for in a string but received {}", kind_of(item));
    return find_text(text_of(container), text_of(item)) != std::string_view::npos;
  }
  if (container.is_object()) return item.is_string() && container.contains(text_of(item));
  if (!container.is_array())
    user_fail(kWhere, "'in': expected a string, a list or a mapping but received {}", kind_of(container));
  for (const Json& known : container)
    if (equal(known, item)) return true;
  return false;
}

Json binary(std::string_view op, const Json& left, const Json& right) {
  if (op == "==") return equal(left, right);
  if (op == "!=") return !equal(left, right);
  if (op == "in") return contains(right, left);
  if (op == "~") return to_text(left) + to_text(right);
  if (op == "<") return less(left, right);
  if (op == ">") return less(right, left);
  if (op == "<=") return !less(right, left);
  if (op == ">=") return !less(left, right);
  return arithmetic(op, left, right);
}

Json item_of(const Json& value, const Json& key) {
  if (is_undefined(value))
    user_fail(kWhere, "expected a value but received an undefined one, of which '{}' was asked", to_text(key));
  if (value.is_object() && key.is_string()) {
    const auto found = value.find(text_of(key));
    return found == value.end() ? undefined() : *found;
  }
  if (!key.is_number_integer() || (!value.is_array() && !value.is_string())) return undefined();
  const int64_t size = length_of(value);
  int64_t index = key.get<int64_t>();
  if (index < 0) index += size;
  if (index < 0 || index >= size) return undefined();
  if (value.is_array()) return value[std::size_t(index)];
  const std::string& text = text_of(value);
  return character_at(text, 2 * index < size ? moved(text, 0, index) : moved(text, text.size(), index - size));
}

Json slice_of(const Json& value, const Json& begin, const Json& end, const Json& step) {
  if (!value.is_string() && !value.is_array())
    user_fail(kWhere, "slice: expected a string or a list but received {}", kind_of(value));
  const auto given = [](const Json& bound) { return !is_undefined(bound) && !bound.is_null(); };
  const int64_t stride = given(step) ? whole_number(step, "slice") : 1;
  if (stride == 0) user_fail(kWhere, "slice: expected a step other than 0");
  const int64_t size = length_of(value);
  const auto bound = [&](const Json& given_bound, int64_t otherwise) {
    if (!given(given_bound)) return otherwise;
    int64_t at = whole_number(given_bound, "slice");
    if (at < 0) at = at < -size ? -1 : at + size;
    return std::min(std::max(at, stride < 0 ? int64_t(-1) : int64_t(0)), stride < 0 ? size - 1 : size);
  };
  const int64_t first = bound(begin, stride < 0 ? size - 1 : 0), last = bound(end, stride < 0 ? -1 : size);
  Json taken = Json::array();
  std::string text;
  std::size_t place = 0;
  for (int64_t i = first, before = 0; stride < 0 ? i > last : i < last; i += stride) {
    if (value.is_string()) {
      place = moved(text_of(value), place, i - before);
      before = i;
      text += character_at(text_of(value), place);
    } else {
      taken.push_back(value[std::size_t(i)]);
    }
    if (stride > size || stride < -size) break;
  }
  return value.is_string() ? Json(text) : taken;
}

std::vector<Json> items_of(const Json& value) {
  std::vector<Json> items;
  if (is_undefined(value)) return items;
  if (value.is_array()) {
    items.assign(value.begin(), value.end());
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.items()) items.emplace_back(key);
  } else if (value.is_string()) {
    const std::string& text = text_of(value);
    for (std::size_t at = 0; at < text.size(); at = moved(text, at, 1)) items.emplace_back(character_at(text, at));
  } else {
    user_fail(kWhere, "expected a list, a mapping or a string to go through but received {}", kind_of(value));
  }
  return items;
}

}  // namespace limbeck::text::jinja
