#include "teachers/prompt.h"

namespace limbeck::teachers {

std::vector<int32_t> encode_prompt(const text::Tokenizer& tokenizer, std::string_view prompt) {
  std::vector<int32_t> ids = tokenizer.encode_ordinary(prompt);
  const auto& spec = tokenizer.spec();
  if (spec.add_bos && spec.bos && (ids.empty() || ids.front() != *spec.bos)) ids.insert(ids.begin(), *spec.bos);
  return ids;
}

}  // namespace limbeck::teachers
