#include "tensor/device.h"

#include "base/errors.h"

namespace limbeck {
namespace {

template <class E>
std::string_view name_in(const std::vector<std::pair<std::string_view, E>>& rows, E value) {
  for (const auto& [name, v] : rows)
    if (v == value) return name;
  return "unknown";
}

template <class E>
E value_in(const std::vector<std::pair<std::string_view, E>>& rows, std::string_view name, std::string_view where) {
  std::string known;
  for (const auto& [n, v] : rows) {
    if (n == name) return v;
    known += (known.empty() ? "" : " or ") + std::string(n);
  }
  user_fail(where, "expected {} but received '{}'", known, name);
}

template <class E>
std::vector<std::pair<std::string, E>> choices_of(const std::vector<std::pair<std::string_view, E>>& rows) {
  return {rows.begin(), rows.end()};
}

const std::vector<std::pair<std::string_view, Precision>> kPrecisions = {{"fp32", Precision::kFp32},
                                                                         {"bf16", Precision::kBf16}};
const std::vector<std::pair<std::string_view, DeviceKind>> kDevices = {{"cpu", DeviceKind::kCpu},
                                                                       {"cuda", DeviceKind::kCuda}};

}  // namespace

std::vector<std::pair<std::string, Precision>> precision_choices() {
  return choices_of(kPrecisions);
}
std::vector<std::pair<std::string, DeviceKind>> device_choices() {
  return choices_of(kDevices);
}
std::string_view name_of(Precision precision) {
  return name_in(kPrecisions, precision);
}
std::string_view name_of(DeviceKind device) {
  return name_in(kDevices, device);
}
Precision precision_of(std::string_view name) {
  return value_in(kPrecisions, name, "precision");
}
DeviceKind device_of(std::string_view name) {
  return value_in(kDevices, name, "device");
}

}  // namespace limbeck
