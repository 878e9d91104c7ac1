// Typed reads of one JSON object of a model's config; a null counts as absent, as in Hugging Face configs. Every
// mistake names the file and the key.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace limbeck::models {

class ConfigReader {
 public:
  // The object outlives the reader.
  ConfigReader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }
  bool names(const char* key) const { return object_.contains(key); }  // be it with a null
  int64_t integer(const char* key) const;
  int64_t integer(const char* key, int64_t absent) const { return has(key) ? integer(key) : absent; }
  double number(const char* key) const;
  double number(const char* key, double absent) const { return has(key) ? number(key) : absent; }
  std::optional<double> optional_number(const char* key) const {
    return has(key) ? std::optional<double>(number(key)) : std::nullopt;
  }
  double positive(const char* key, double value) const;  // the value, which must be above 0
  bool boolean(const char* key, bool absent) const;
  std::string text(const char* key, const std::string& absent) const;
  std::vector<int64_t> token_ids(const char* key) const;  // of one id or a list of them
  // The first of several names of a setting that is there, the first of all when none is.
  const char* first_of(std::initializer_list<const char*> keys) const;

  // A setting that is not implemented, with the one value that means "off".
  void refuse(const char* key, const Json& allowed) const;

  const Json& at(const char* key) const { return object_.at(key); }
  const std::string& where() const { return where_; }
  static std::string brief(const Json& value);  // for messages

 private:
  const Json& object_;
  std::string where_;
};

// Changes a key where it stands or adds it; a value that is already there keeps its spelling (8 and 8.0 are the same).
void put(Json& object, const char* key, const Json& value);

}  // namespace limbeck::models
