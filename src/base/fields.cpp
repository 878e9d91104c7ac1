// Collects what an options struct declares.
#include "base/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace limbeck {

bool Range::contains(double value) const {
  if (std::isnan(value)) return false;
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}

std::string Range::text() const {
  const bool has_low = std::isfinite(low), has_high = std::isfinite(high);
  if (has_low && has_high) {
    if (!low_open && !high_open) return fmt::format("{} to {}", low, high);
    return fmt::format("{} {} and {} {}", low_open ? ">" : "≥", low, high_open ? "<" : "≤", high);
  }
  if (has_low) return fmt::format("{} {}", low_open ? ">" : "≥", low);
  if (has_high) return fmt::format("{} {}", high_open ? "<" : "≤", high);
  return "";
}

Field& Fields::add(std::string_view name, std::string_view help, Field::Target target, Range range, Names names) {
  std::string full = prefix_ + std::string(name);
  const bool known = std::any_of(list_.begin(), list_.end(), [&](const Field& field) { return field.name == full; });
  if (known) throw std::logic_error(fmt::format("the option '{}' is declared twice", full));
  list_.push_back({.name = std::move(full),
                   .help = std::string(help),
                   .target = std::move(target),
                   .range = range,
                   .names = names});
  return list_.back();
}

void Fields::operator()(std::string_view name, bool& value, std::string_view help) {
  add(name, help, &value);
}
Field& Fields::operator()(std::string_view name, int64_t& value, std::string_view help, Range range) {
  return add(name, help, &value, range);
}
void Fields::operator()(std::string_view name, double& value, std::string_view help, Range range) {
  add(name, help, &value, range);
}
void Fields::operator()(std::string_view name, std::string& value, std::string_view help, Names names) {
  add(name, help, &value, {}, names);
}
void Fields::operator()(std::string_view name, std::vector<std::string>& value, std::string_view help) {
  add(name, help, &value);
}
void Fields::operator()(std::string_view name, std::vector<int64_t>& value, std::string_view help, Range range) {
  add(name, help, &value, range);
}
void Fields::operator()(std::string_view name, std::vector<double>& value, std::string_view help, Range range) {
  add(name, help, &value, range);
}

}  // namespace limbeck
