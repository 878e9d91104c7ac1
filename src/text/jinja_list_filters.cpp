// Filters of lists, mappings and numbers, and those that lay text out.
#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "text/jinja_values.h"

namespace limbeck::text::jinja {
namespace {

constexpr std::size_t kMostLaidOut = std::size_t(1) << 22;  // bytes

bool comes_before(const Json& a, const Json& b) {
  return is_true(binary("<", a, b));
}

// Jinja compares texts without regard to case unless told otherwise.
Json sort_key(const Json& item, const Json& attribute, bool case_sensitive) {
  Json key = is_undefined(attribute) || attribute.is_null() ? item : item_of(item, attribute);
  return key.is_string() && !case_sensitive ? apply_filter("lower", key, {}) : key;
}

Json sorted_list(const Json& value, const Arguments& given) {
  const Json attribute = given.get(2, "attribute");
  const bool reversed = is_true(given.get(0, "reverse")), case_sensitive = is_true(given.get(1, "case_sensitive"));
  std::vector<std::pair<Json, Json>> keyed;
  for (const Json& item : items_of(value)) keyed.emplace_back(sort_key(item, attribute, case_sensitive), item);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return reversed ? comes_before(b.first, a.first) : comes_before(a.first, b.first);
  });
  Json out = Json::array();
  for (auto& [key, item] : keyed) out.push_back(std::move(item));
  return out;
}

Json sorted_pairs(const Json& value, const Arguments& given) {
  if (!value.is_object()) user_fail(kWhere, "dictsort: expected a mapping but received {}", kind_of(value));
  const bool case_sensitive = is_true(given.get(0, "case_sensitive")), reversed = is_true(given.get(2, "reverse"));
  const Json by = given.get(1, "by");
  const int64_t place = by.is_string() && by == "value" ? 1 : 0;
  Json pairs = Json::array();
  for (const auto& [key, item] : value.items()) pairs.push_back(Json::array({key, item}));
  Arguments arguments;
  arguments.positional = {reversed, case_sensitive, place};
  return sorted_list(pairs, arguments);
}

Json extreme(const Json& value, bool greatest) {
  Json best = undefined();
  for (const Json& item : items_of(value))
    if (is_undefined(best) || (greatest ? comes_before(best, item) : comes_before(item, best))) best = item;
  return best;
}

Json without_repeats(const Json& value) {
  Json out = Json::array();
  std::vector<Json> seen;
  for (const Json& item : items_of(value)) {
    const Json key = sort_key(item, undefined(), false);
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
    if (seen.size() == 1000) user_fail(kWhere, "unique: expected at most 1000 different items");
    seen.push_back(key);
    out.push_back(item);
  }
  return out;
}

// Every line but the first (and blank ones, unless told otherwise) begins with so many spaces.
std::string indented(const std::string& text, const Arguments& given) {
  const Json width = given.get(0, "width");
  const bool first = is_true(given.get(1, "first")), blank = is_true(given.get(2, "blank"));
  const std::string space =
      width.is_string()
          ? width.get<std::string>()
          : std::string(std::size_t(width.is_number_integer() ? std::clamp<int64_t>(width.get<int64_t>(), 0, 1000) : 4),
                        ' ');
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if ((at > 0 || first) && (end > at || blank)) out += space;
    out.append(text, at, end - at);
    if (end < text.size()) out += '\n';
    if (out.size() > kMostLaidOut) user_fail(kWhere, "indent: expected at most {} bytes of text", kMostLaidOut);
    at = end + 1;
  }
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Json batches(const Json& value, const Arguments& given) {
  const Json size = given.get(0, "linecount"), filling = given.get(1, "fill_with");
  if (!size.is_number_integer() || size.get<int64_t>() < 1) user_fail(kWhere, "batch: expected a size of at least 1");
  Json out = Json::array();
  for (const Json& item : items_of(value)) {
    if (out.empty() || int64_t(out.back().size()) == size.get<int64_t>()) out.push_back(Json::array());
    out.back().push_back(item);
  }
  if (!out.empty() && !is_undefined(filling) && !filling.is_null() && size.get<int64_t>() <= 1000)
    while (int64_t(out.back().size()) < size.get<int64_t>()) out.back().push_back(filling);
  return out;
}

Json as_float(const Json& value, const Arguments& given) {
  if (value.is_number()) return value.get<double>();
  const Json otherwise = given.get(0, "default");
  const std::string text = to_text(value);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const bool plain = text.find_first_not_of("0123456789+-.eE") == std::string::npos;
  if (!text.empty() && plain && *end == '\0') return number;
  return is_undefined(otherwise) ? Json(0.0) : otherwise;
}

// Python rounds halves to even.
Json rounded(const Json& value, const Arguments& given) {
  const Json precision = given.get(0, "precision"), method = given.get(1, "method");
  if (!value.is_number()) user_fail(kWhere, "round: expected a number but received {}", kind_of(value));
  if ((precision.is_number_integer() && precision != 0) || (!is_undefined(method) && method != "common"))
    user_fail(kWhere, "round: a precision or another method is not supported");
  return std::nearbyint(value.get<double>());
}

Json sum_of(const Json& value, const Arguments& given) {
  const Json attribute = given.get(0, "attribute"), start = given.get(1, "start");
  Json total = is_undefined(start) ? Json(int64_t(0)) : start;
  for (const Json& item : items_of(value))
    total = binary("+", total, is_undefined(attribute) || attribute.is_null() ? item : item_of(item, attribute));
  return total;
}

}  // namespace

std::optional<Json> apply_list_filter(std::string_view name, const Json& value, const Arguments& arguments) {
  if (name == "sort") return sorted_list(value, arguments);
  if (name == "dictsort") return sorted_pairs(value, arguments);
  if (name == "max" || name == "min") return extreme(value, name == "max");
  if (name == "unique") return without_repeats(value);
  if (name == "sum") return sum_of(value, arguments);
  if (name == "batch") return batches(value, arguments);
  if (name == "indent") return indented(to_text(value), arguments);
  if (name == "escape" || name == "e") return escaped(to_text(value));
  if (name == "float") return as_float(value, arguments);
  if (name == "round") return rounded(value, arguments);
  if (name == "abs") {
    if (!value.is_number()) user_fail(kWhere, "abs: expected a number but received {}", kind_of(value));
    return is_true(binary("<", value, 0)) ? binary("-", 0, value) : value;
  }
  if (name == "attr") return item_of(value, arguments.get(0));
  if (name == "wordcount") return length_of(call_method(to_text(value), "split", {}));
  return std::nullopt;
}

}  // namespace limbeck::text::jinja
