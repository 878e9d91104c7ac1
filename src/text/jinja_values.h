// Values of a Jinja template: JSON, and "undefined" (which JSON's discarded value stands for). Text is counted in
// characters and compared as Python does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace limbeck::text::jinja {

inline constexpr const char* kWhere = "chat template";  // what messages begin with

inline Json undefined() {
  return Json(Json::value_t::discarded);
}
inline bool is_undefined(const Json& value) {
  return value.is_discarded();
}

struct Arguments {
  std::vector<Json> positional;
  std::vector<std::pair<std::string, Json>> named;
  // The argument at a place or of a name; undefined when it is not given.
  Json get(std::size_t index, std::string_view name = "") const;
};

bool is_true(const Json& value);
std::string to_text(const Json& value);  // as {{ value }} prints it
// As Python's json.dumps: Transformers' tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False).
std::string to_json_text(const Json& value, const Arguments& arguments);
std::string kind_of(const Json& value);  // for messages: "a string"
int64_t length_of(const Json& value);
// As std::string_view::find, but in time that grows with the text alone, whatever the two are.
std::size_t find_text(std::string_view text, std::string_view part);
bool contains(const Json& container, const Json& item);

// These throw UserError saying what was expected, or which name is not supported.
Json binary(std::string_view op, const Json& left, const Json& right);
Json item_of(const Json& value, const Json& key);  // undefined when there is none
Json slice_of(const Json& value, const Json& begin, const Json& end, const Json& step);
std::vector<Json> items_of(const Json& value);  // what a loop goes through
Json apply_filter(std::string_view name, const Json& value, const Arguments& arguments);
// Of lists and numbers; none when there is no such filter (jinja_list_filters.cpp).
std::optional<Json> apply_list_filter(std::string_view name, const Json& value, const Arguments& arguments);
bool apply_test(std::string_view name, const Json& value, const Arguments& arguments);
Json call_method(const Json& value, std::string_view name, const Arguments& arguments);

}  // namespace limbeck::text::jinja
