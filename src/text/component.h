// One component of tokenizer.json ({"type": "Replace", ...}) with its place for messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "base/json.h"

namespace limbeck::text {

class Component {
 public:
  // `file` is what messages begin with, `place` where the component stands: "normalizer.normalizers[1]". The JSON must
  // outlive the component.
  Component(const Json& json, std::string file, std::string place);

  bool is_null() const { return json_->is_null(); }
  std::string type() const;  // of an object; throws when it has none
  const std::string& file() const { return file_; }
  const std::string& place() const { return place_; }
  const Json& json() const { return *json_; }

  const Json* find(const char* key) const;  // null when it is missing or null
  std::string text(const char* key) const;
  std::string text(const char* key, std::string_view otherwise) const;
  bool flag(const char* key, bool otherwise) const;
  int64_t number(const char* key, int64_t least, int64_t most) const;
  int64_t number(const char* key, int64_t least, int64_t most, int64_t otherwise) const;
  Component at(const char* key) const;  // an object
  std::vector<Component> list(const char* key) const;
  // The one character of a text.
  uint32_t character(const char* key) const;
  // What a pattern is replaced by: a file cannot make much of a little.
  std::string replacement() const;
  // {"pattern": {"String": "x"}} or {"pattern": {"Regex": "x+"}}.
  struct Pattern {
    std::string text;
    bool is_regex;
  };
  Pattern pattern() const;

  // The components of a Sequence and of Sequences in it, one after another; none when there is no component.
  std::vector<Component> flattened(const char* inner_key) const;

  [[noreturn]] void refuse(std::string_view expected, std::string_view received) const;  // "which is not supported"
  [[noreturn]] void broken(std::string_view expected, std::string_view received) const;

 private:
  const Json* json_;
  std::string file_, place_;
};

}  // namespace limbeck::text
