// Renders a Jinja template as far as chat templates go: output, if, for, set, macros, namespaces, filters, tests and
// string methods. Calls with a body, includes and inheritance are refused. A template is a file from outside: its work
// and output are limited.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace limbeck::text::jinja {

// `variables` hold valid UTF-8; a template that is none is refused. `now`: what strftime_now() gives, the local time of
// the call when not given. Throws UserError naming the line of what is wrong or not supported, and of
// raise_exception().
std::string render(std::string_view source, const Json& variables, std::optional<std::time_t> now = {});

}  // namespace limbeck::text::jinja
