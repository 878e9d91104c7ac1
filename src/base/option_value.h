// A value on its way from a TOML file or a flag into a field, and a field's value on its way out as TOML.
#pragma once

#include <toml++/toml.h>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/fields.h"

namespace limbeck {

struct OptionValue {
  struct Other {
    std::string what;  // "a table", "a date": no field takes it
  };
  std::variant<bool, int64_t, double, std::string, std::vector<OptionValue>, Other> value;
};

// Puts the value into the field. On a wrong type or a value out of range the field stays as it is and the result says
// "expected X but received Y".
std::optional<std::string> assign(const Field& field, const OptionValue& value);

// The text of a flag as the field's type reads it; text that it cannot read stays text, which assign then refuses.
OptionValue value_of_flag(const Field& field, const std::string& text);

OptionValue value_of(const toml::node& node);

std::string toml_of(const OptionValue& value);
std::string toml_of(const Field& field);  // what the field holds now
std::string type_of(const Field& field);  // "a number", "one of first, all"
bool is_valid_utf8(std::string_view text);

}  // namespace limbeck
