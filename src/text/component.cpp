#include "text/component.h"

#include "base/printable.h"
#include "text/unicode.h"

namespace limbeck::text {

Component::Component(const Json& json, std::string file, std::string place)
    : json_(&json), file_(std::move(file)), place_(std::move(place)) {}

void Component::refuse(std::string_view expected, std::string_view received) const {
  user_fail(file_, "{}: expected {} but received {}, which is not supported", place_, expected, received);
}
void Component::broken(std::string_view expected, std::string_view received) const {
  fail(file_, "{}: expected {} but received {}", place_, expected, received);
}

std::string Component::type() const {
  if (!json_->is_object()) broken("an object", json_->type_name());
  return text("type");
}

const Json* Component::find(const char* key) const {
  if (!json_->is_object()) broken("an object", json_->type_name());
  const auto found = json_->find(key);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

std::string Component::text(const char* key) const {
  const Json* found = find(key);
  if (!found || !found->is_string()) broken(fmt::format("a string '{}'", key), found ? found->type_name() : "nothing");
  return found->get<std::string>();
}
std::string Component::text(const char* key, std::string_view otherwise) const {
  return find(key) ? text(key) : std::string(otherwise);
}

bool Component::flag(const char* key, bool otherwise) const {
  const Json* found = find(key);
  if (!found) return otherwise;
  if (!found->is_boolean()) broken(fmt::format("true or false as '{}'", key), found->type_name());
  return found->get<bool>();
}

int64_t Component::number(const char* key, int64_t least, int64_t most) const {
  const Json* found = find(key);
  const std::string expected = fmt::format("a whole number from {} to {} as '{}'", least, most, key);
  if (!found) broken(expected, "nothing");
  const bool too_large = found->is_number_unsigned() && found->get<uint64_t>() > uint64_t(INT64_MAX);
  if (!found->is_number_integer() || too_large || found->get<int64_t>() < least || found->get<int64_t>() > most)
    broken(expected, printable_value(*found));
  return found->get<int64_t>();
}
int64_t Component::number(const char* key, int64_t least, int64_t most, int64_t otherwise) const {
  return find(key) ? number(key, least, most) : otherwise;
}

Component Component::at(const char* key) const {
  const Json* found = find(key);
  if (!found || !found->is_object()) broken(fmt::format("an object '{}'", key), found ? found->type_name() : "nothing");
  return {*found, file_, place_ + "." + key};
}

std::vector<Component> Component::list(const char* key) const {
  const Json* found = find(key);
  if (!found || !found->is_array()) broken(fmt::format("an array '{}'", key), found ? found->type_name() : "nothing");
  std::vector<Component> parts;
  for (const Json& item : *found) parts.emplace_back(item, file_, fmt::format("{}.{}[{}]", place_, key, parts.size()));
  return parts;
}

uint32_t Component::character(const char* key) const {
  const std::string found = text(key);
  if (found.empty() || valid_utf8_prefix(found) != found.size() || code_point_at(found.data()).size != found.size())
    broken(fmt::format("one character as '{}'", key), "'" + printable(found) + "'");
  return code_point_at(found.data()).value;
}

std::string Component::replacement() const {
  constexpr std::size_t kMost = 256;  // bytes
  std::string content = text("content");
  if (content.size() > kMost)
    broken(fmt::format("at most {} bytes as 'content'", kMost), std::to_string(content.size()));
  return content;
}

Component::Pattern Component::pattern() const {
  const Component given = at("pattern");
  const bool is_regex = given.find("Regex") != nullptr;
  Pattern pattern{given.text(is_regex ? "Regex" : "String"), is_regex};
  if (pattern.text.empty()) given.broken("a pattern", "an empty one");
  return pattern;
}

std::vector<Component> Component::flattened(const char* inner_key) const {
  std::vector<Component> steps;
  if (is_null()) return steps;
  if (type() != "Sequence") return {*this};
  for (const Component& inner : list(inner_key))
    for (Component& step : inner.flattened(inner_key)) steps.push_back(std::move(step));
  return steps;
}

}  // namespace limbeck::text
