#include "text/vocabulary_index.h"

#include <algorithm>

#include "base/errors.h"
#include "base/printable.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

constexpr const char* kIndexWhere = "tokenizer";

void check_tokens(const TokenizerSpec& spec) {
  const auto check = [](std::string_view text, const char* what, auto index) {
    if (valid_utf8_prefix(text) != text.size())
      fail(kIndexWhere, "{} {}: expected UTF-8 but received other bytes", what, index);
  };
  if (spec.tokens.empty()) fail(kIndexWhere, "expected a vocabulary but received none");
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) check(spec.tokens[id], "token", id);
  for (const AddedToken& token : spec.added) {
    check(token.content, "added token", token.id);
    if (token.content.empty()) fail(kIndexWhere, "added token {}: expected a text but received none", token.id);
  }
}

}  // namespace

VocabularyIndex::VocabularyIndex(const TokenizerSpec& spec) {
  check_tokens(spec);
  std::size_t size = spec.tokens.size();
  const std::size_t most = spec.tokens.size() + 4 * spec.added.size() + 65536;
  for (const AddedToken& token : spec.added) {
    if (token.id < 0 || std::size_t(token.id) >= most)
      fail(kIndexWhere, "added token '{}': expected an id from 0 to {} but received {}", token.content, most - 1,
           token.id);
    size = std::max(size, std::size_t(token.id) + 1);
  }
  texts.resize(size);
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) texts[id] = spec.tokens[id];
  special.resize(size, false);
  for (const AddedToken& token : spec.added) {
    std::string_view& text = texts[std::size_t(token.id)];
    if (!text.empty() && text != token.content)
      fail(kIndexWhere, "added token '{}': its id {} is that of the token '{}'", token.content, token.id, text);
    text = token.content;
    special[std::size_t(token.id)] = token.special;
  }
  ids.reserve(size);
  for (std::size_t id = 0; id < size; ++id) {
    if (texts[id].empty()) continue;
    const auto [other, is_new] = ids.emplace(texts[id], int32_t(id));
    if (!is_new && spec.pipeline && spec.pipeline->model == ModelKind::kUnigram) {
      other->second = int32_t(id);  // as that library, whose trainer writes <unk> twice
    } else if (!is_new)
      fail(kIndexWhere, "token '{}' has two ids, {} and {}", texts[id], other->second, id);
  }
}

}  // namespace limbeck::text
