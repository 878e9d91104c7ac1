#include "base/option_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/toml_keys.h"

namespace limbeck {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang below 17 deduces no aggregates

std::string toml_of_number(double value) {
  std::string text = fmt::format("{}", value);  // the shortest that reads back as the same number
  if (text.find_first_of(".ein") == std::string::npos) text += ".0";
  return text;
}

std::string toml_of_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\r':
        quoted += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        } else {
          quoted += c;
        }
    }
  }
  return quoted + '"';
}

template <class T, class Render>
std::string toml_of_list(const std::vector<T>& items, Render&& render) {
  std::string text = "[";
  for (const auto& item : items) text += (text.size() > 1 ? ", " : "") + render(item);
  return text + "]";
}

// The value as T, or nothing when it is of another type. A whole number is also a number.
template <class T>
std::optional<T> as(const OptionValue& value) {
  if (const auto* exact = std::get_if<T>(&value.value)) return *exact;
  if constexpr (std::is_same_v<T, double>)
    if (const auto* whole = std::get_if<int64_t>(&value.value)) return static_cast<double>(*whole);
  return std::nullopt;
}

template <class T>
bool in_range(const T& value, const Range& range) {
  if constexpr (std::is_arithmetic_v<T>) return range.contains(static_cast<double>(value));
  return true;
}

template <class T>
bool assign_one(T& target, const OptionValue& value, const Range& range) {
  const auto read = as<T>(value);
  if (!read || !in_range(*read, range)) return false;
  target = *read;
  return true;
}
bool assign_one(bool& target, const OptionValue& value, const Range&) {
  const auto read = as<bool>(value);
  if (read) target = *read;
  return read.has_value();
}

template <class T>
bool assign_list(std::vector<T>& target, const OptionValue& value, const Range& range) {
  const auto* items = std::get_if<std::vector<OptionValue>>(&value.value);
  if (items == nullptr) return false;
  std::vector<T> read(items->size());
  for (std::size_t i = 0; i < items->size(); ++i)
    if (!assign_one(read[i], (*items)[i], range)) return false;
  target = std::move(read);
  return true;
}

bool assign_choice(const Choice& choice, const OptionValue& value) {
  const auto* name = std::get_if<std::string>(&value.value);
  if (name == nullptr) return false;
  const auto found = std::find(choice.names.begin(), choice.names.end(), *name);
  if (found == choice.names.end()) return false;
  choice.set(static_cast<std::size_t>(found - choice.names.begin()));
  return true;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  if (text.starts_with("+")) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// "a,b" or TOML's "[1, 2]".
OptionValue value_of_list_flag(const std::string& text, const std::function<OptionValue(const std::string&)>& item) {
  if (text.starts_with("[")) {
    if (line_of_endless_key(text) > 0) return {text};
    try {
      const toml::table table = toml::parse("x = " + text);
      if (table.size() == 1) return value_of(*table.get("x"));
    } catch (const toml::parse_error&) {
    }
    return {text};
  }
  std::vector<OptionValue> items;
  for (std::size_t begin = 0; begin <= text.size() && !text.empty();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    items.push_back(item(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return {std::move(items)};
}

OptionValue value_of_bool_flag(const std::string& text) {
  if (text == "true" || text == "false") return {text == "true"};
  return {text};
}
OptionValue value_of_whole_flag(const std::string& text) {
  if (const auto whole = parse_number<int64_t>(text)) return {*whole};
  return {text};
}
OptionValue value_of_number_flag(const std::string& text) {
  if (const auto number = parse_number<double>(text)) return {*number};
  return {text};
}
OptionValue value_of_text_flag(const std::string& text) {
  return {text};
}

std::string and_range(std::string text, const Range& range) {
  return range.text().empty() ? text : text + " " + range.text();
}

}  // namespace

std::optional<std::string> assign(const Field& field, const OptionValue& value) {
  const bool done =
      std::visit(Overloaded{[&](const Choice& choice) { return assign_choice(choice, value); },
                            [&](std::vector<std::string>* list) { return assign_list(*list, value, field.range); },
                            [&](std::vector<int64_t>* list) { return assign_list(*list, value, field.range); },
                            [&](std::vector<double>* list) { return assign_list(*list, value, field.range); },
                            [&](auto* target) { return assign_one(*target, value, field.range); }},
                 field.target);
  if (done) return std::nullopt;
  std::string hint;
  if (const auto* choice = std::get_if<Choice>(&field.target))
    if (const auto* name = std::get_if<std::string>(&value.value))
      if (const std::string near = nearest_name(*name, choice->names); !near.empty())
        hint = fmt::format("; did you mean '{}'?", near);
  return fmt::format("expected {} but received {}{}", type_of(field), toml_of(value), hint);
}

OptionValue value_of(const toml::node& node) {
  if (const auto* v = node.as_boolean()) return {v->get()};
  if (const auto* v = node.as_integer()) return {v->get()};
  if (const auto* v = node.as_floating_point()) return {v->get()};
  if (const auto* v = node.as_string()) return {v->get()};
  if (const auto* array = node.as_array()) {
    std::vector<OptionValue> items;
    for (const auto& item : *array) items.push_back(value_of(item));
    return {std::move(items)};
  }
  return {OptionValue::Other{node.is_table() ? "a table" : "a date or time"}};
}

OptionValue value_of_flag(const Field& field, const std::string& text) {
  return std::visit(
      Overloaded{[&](bool*) { return value_of_bool_flag(text); }, [&](int64_t*) { return value_of_whole_flag(text); },
                 [&](double*) { return value_of_number_flag(text); },
                 [&](std::vector<std::string>*) { return value_of_list_flag(text, value_of_text_flag); },
                 [&](std::vector<int64_t>*) { return value_of_list_flag(text, value_of_whole_flag); },
                 [&](std::vector<double>*) { return value_of_list_flag(text, value_of_number_flag); },
                 [&](const auto&) { return value_of_text_flag(text); }},
      field.target);
}

std::string toml_of(const OptionValue& value) {
  return std::visit(Overloaded{[](bool v) -> std::string { return v ? "true" : "false"; },
                               [](int64_t v) { return std::to_string(v); }, [](double v) { return toml_of_number(v); },
                               [](const std::string& v) { return toml_of_text(v); },
                               [](const std::vector<OptionValue>& v) {
                                 return toml_of_list(v, [](const OptionValue& item) { return toml_of(item); });
                               },
                               [](const OptionValue::Other& v) { return v.what; }},
                    value.value);
}

std::string toml_of(const Field& field) {
  return std::visit(Overloaded{[](const bool* v) -> std::string { return *v ? "true" : "false"; },
                               [](const int64_t* v) { return std::to_string(*v); },
                               [](const double* v) { return toml_of_number(*v); },
                               [](const std::string* v) { return toml_of_text(*v); },
                               [](const std::vector<std::string>* v) { return toml_of_list(*v, toml_of_text); },
                               [](const std::vector<int64_t>* v) {
                                 return toml_of_list(*v, [](int64_t item) { return std::to_string(item); });
                               },
                               [](const std::vector<double>* v) { return toml_of_list(*v, toml_of_number); },
                               [](const Choice& v) { return toml_of_text(v.names.at(v.get())); }},
                    field.target);
}

std::string type_of(const Field& field) {
  return std::visit(
      Overloaded{[](bool*) -> std::string { return "true or false"; },
                 [&](int64_t*) { return and_range("a whole number", field.range); },
                 [&](double*) { return and_range("a number", field.range); },
                 [&](std::string*) -> std::string {
                   switch (field.names) {
                     case Names::kText:
                       return "text";
                     case Names::kFile:
                     case Names::kRequiredFile:
                     case Names::kOutputFile:
                       return "a file";
                     case Names::kFolder:
                     case Names::kRequiredFolder:
                       return "a folder";
                     case Names::kFileOrFolder:
                     case Names::kRequiredFileOrFolder:
                       return "a file or folder";
                   }
                   return "text";
                 },
                 [](std::vector<std::string>*) -> std::string { return "a list of texts"; },
                 [&](std::vector<int64_t>*) { return and_range("a list of whole numbers", field.range); },
                 [&](std::vector<double>*) { return and_range("a list of numbers", field.range); },
                 [](const Choice& choice) { return fmt::format("one of {}", fmt::join(choice.names, ", ")); }},
      field.target);
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || i + length > text.size()) return false;
    uint32_t code = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    if ((length == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
        (length == 4 && (code < 0x10000 || code > 0x10ffff)))
      return false;
    i += length;
  }
  return true;
}

OptionValue value_of_toml(const toml::node& node) {
  return value_of(node);
}

}  // namespace limbeck
