// Components of tokenizer.json for vocabularies that come without one, as Transformers writes them for their families.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace limbeck::text::components {

Json sequence(const char* key, std::vector<Json> steps);  // null for none, the step itself for one
Json replace(const char* before, const char* after);
Json replace_regex(const char* before, const char* after);
Json metaspace(const char* prepend_scheme, bool split);
Json bert_normalizer(bool lower_case, Json strip_accents, bool chinese);
Json precompiled(std::string_view charsmap);

struct NamedId {
  std::string name;
  int32_t id;
};
// {"[CLS]:0", "$A:0", "[SEP]:0"}: what a text and a pair become; a name without "$" is a special token.
Json template_processing(const std::vector<std::string>& single, const std::vector<std::string>& pair,
                         const std::vector<NamedId>& special);

}  // namespace limbeck::text::components
