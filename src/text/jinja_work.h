// What the operations of a Jinja template cost, told before they are done: a template is a file from outside, and its
// renderer ends it when it has worked too much. A unit is some 100 ns: an operation, 64 bytes of text read or written,
// an item gone through, or 16 keys searched.
#pragma once

#include <cstdint>
#include <string_view>

#include "text/jinja_values.h"

namespace limbeck::text::jinja {

std::size_t num_bytes(const Json& value);  // of a string; 0 for anything else

int64_t work_of(const Json& value);        // reading or copying all of it
int64_t work_of_items(const Json& value);  // going through its items: those of a string are its characters
int64_t work_of_finding(const Json& holder, std::size_t key_bytes);
int64_t work_of_finding(const Json& holder, const Json& key);  // a key, or the character of that index

// What these read; what they make is counted when it is there.
int64_t work_of_binary(std::string_view op, const Json& left, const Json& right);
int64_t work_of_filter(std::string_view name, const Json& value, const Arguments& given);
int64_t work_of_method(const Json& value, std::string_view name, const Arguments& given);

}  // namespace limbeck::text::jinja
