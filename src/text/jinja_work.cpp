#include "text/jinja_work.h"

#include <algorithm>

namespace limbeck::text::jinja {

std::size_t num_bytes(const Json& value) {
  return value.is_string() ? value.get_ref<const std::string&>().size() : 0;
}

// Reading or copying all of a value.
int64_t work_of(const Json& value) {
  int64_t work = 1 + int64_t(num_bytes(value) / 64);
  if (value.is_array())
    for (const Json& item : value) work += work_of(item);
  if (value.is_object())
    for (const auto& [key, item] : value.items()) work += int64_t(key.size() / 64) + work_of(item);
  return work;
}

// Going through the items of a value: those of a string are its characters.
int64_t work_of_items(const Json& value) {
  return value.is_string() ? 1 + int64_t(num_bytes(value)) : work_of(value);
}

// Finding a key: an ordered object compares it with one key after another.
int64_t work_of_finding(const Json& holder, std::size_t key_bytes) {
  return holder.is_object() ? int64_t(holder.size() * (1 + key_bytes / 64) / 16) : 0;
}

// Finding a key, or the character of that index.
int64_t work_of_finding(const Json& holder, const Json& key) {
  return holder.is_string() ? work_of(holder) : work_of_finding(holder, num_bytes(key));
}

// What an operator reads; what it makes is counted when it is there.
int64_t work_of_binary(std::string_view op, const Json& left, const Json& right) {
  if (op == "in") {
    if (right.is_array()) return work_of(left) * (1 + int64_t(right.size() / 16));
    return right.is_string() ? work_of(right) : work_of_finding(right, left);
  }
  const bool compares = op == "==" || op == "!=" || op.starts_with('<') || op.starts_with('>');
  if (!compares) return 0;
  if (left.is_string() && right.is_string()) return int64_t(std::min(num_bytes(left), num_bytes(right)) / 64);
  const bool of_one_size = left.type() == right.type() && left.is_structured() && left.size() == right.size();
  return of_one_size ? work_of(left) : 0;
}

int64_t work_of_filter(std::string_view name, const Json& value, const Arguments& given) {
  for (const char* free : {"default", "d", "safe", "first", "last"})
    if (name == free) return 0;
  if ((name == "length" || name == "count") && !value.is_string()) return 0;
  if (name == "map" && !given.positional.empty() && value.is_array()) {
    int64_t work = 1;
    for (const Json& item : value) work += work_of_items(item);  // any filter may be applied to each
    return work;
  }
  for (const char* through : {"join", "list", "map"})
    if (name == through) return work_of_items(value);
  if (name != "selectattr" && name != "rejectattr") return work_of(value);
  int64_t test = 1;  // of one item
  for (const Json& argument : given.positional) test += work_of(argument);
  return work_of_items(value) + test * int64_t(value.is_string() ? num_bytes(value) : value.size());
}

int64_t work_of_method(const Json& value, std::string_view name, const Arguments& given) {
  if (name == "join") return work_of(value) + work_of_items(given.get(0));
  if (name == "get") return work_of_finding(value, num_bytes(given.get(0)));
  return value.is_string() ? work_of(value) : 0;
}

}  // namespace limbeck::text::jinja
