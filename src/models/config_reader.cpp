#include "models/config_reader.h"

#include <cmath>  // std::isfinite

#include "base/errors.h"

namespace limbeck::models {

int64_t ConfigReader::integer(const char* key) const {
  if (!has(key)) fail(where_, "{}: expected an integer but the key is missing", key);
  const Json& value = object_.at(key);
  // A number beyond int64 reads as unsigned or as a float: neither is a size.
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX))
    fail(where_, "{}: expected an integer but received {}", key, brief(value));
  return value.get<int64_t>();
}

double ConfigReader::number(const char* key) const {
  if (!has(key)) fail(where_, "{}: expected a number but the key is missing", key);
  const Json& value = object_.at(key);
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    fail(where_, "{}: expected a number but received {}", key, brief(value));
  return value.get<double>();
}

double ConfigReader::positive(const char* key, double value) const {
  if (!(value > 0)) fail(where_, "{}: expected a number above 0 but received {}", key, value);
  return value;
}

bool ConfigReader::boolean(const char* key, bool absent) const {
  if (!has(key)) return absent;
  if (!object_.at(key).is_boolean())
    fail(where_, "{}: expected true or false but received {}", key, brief(object_.at(key)));
  return object_.at(key).get<bool>();
}

std::string ConfigReader::text(const char* key, const std::string& absent) const {
  if (!has(key)) return absent;
  if (!object_.at(key).is_string()) fail(where_, "{}: expected a string but received {}", key, brief(object_.at(key)));
  return object_.at(key).get<std::string>();
}

std::vector<int64_t> ConfigReader::token_ids(const char* key) const {
  std::vector<int64_t> ids;
  if (!has(key)) return ids;
  const Json list = at(key).is_array() ? at(key) : Json::array({at(key)});
  for (const Json& id : list) {
    if (!id.is_number_integer()) fail(where_, "{}: expected token ids but received {}", key, brief(at(key)));
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

const char* ConfigReader::first_of(std::initializer_list<const char*> keys) const {
  for (const char* key : keys)
    if (has(key)) return key;
  return *keys.begin();
}

void ConfigReader::refuse(const char* key, const Json& allowed) const {
  if (has(key) && at(key) != allowed)
    fail(where_, "{}: expected {} but received {}; Limbeck does not implement it", key, allowed.dump(), brief(at(key)));
}

std::string ConfigReader::brief(const Json& value) {
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= 60 ? text : fmt::format("{}...", text.substr(0, 57));
}

void put(Json& object, const char* key, const Json& value) {
  if (!object.contains(key) || object.at(key) != value) object[key] = value;
}

}  // namespace limbeck::models
