// WordPiece (Schuster and Nakajima 2012, as in BERT): the longest token that the word begins with, then the longest
// continuation, and so on; a word of which a part is left over is unknown as a whole.
#include "base/errors.h"
#include "text/subword_model.h"

namespace limbeck::text {
namespace {

class WordPiece final : public SubwordModel {
 public:
  WordPiece(const TokenizerSpec& spec, std::string_view where) : longest_(spec.pipeline->longest_word) {
    for (std::size_t id = 0; id < spec.tokens.size(); ++id)
      if (!spec.tokens[id].empty()) trie_.put(spec.tokens[id], int32_t(id));
    if (!spec.pipeline->unknown) fail(where, "model: expected an unk_token in the vocabulary but found none");
    unknown_ = *spec.pipeline->unknown;
    continuation_ = trie_.walk(ByteTrie::kRoot, spec.pipeline->continuing_prefix);
  }

  void encode(std::string_view word, std::vector<int32_t>& out) const override {
    const std::size_t before = out.size();
    if (is_too_long(word)) {
      out.push_back(unknown_);
      return;
    }
    for (std::size_t begin = 0; begin < word.size();) {
      ByteTrie::Node node = begin == 0 ? ByteTrie::kRoot : continuation_;
      int32_t id = -1;
      std::size_t end = begin;
      for (std::size_t at = begin; at < word.size() && node != ByteTrie::kNone;) {
        node = trie_.next(node, static_cast<unsigned char>(word[at++]));
        if (node != ByteTrie::kNone && trie_.value(node) >= 0) id = trie_.value(node), end = at;
      }
      if (id < 0) {
        out.resize(before);
        out.push_back(unknown_);
        return;
      }
      out.push_back(id);
      begin = end;
    }
  }

 private:
  bool is_too_long(std::string_view word) const {  // in characters
    if (int64_t(word.size()) <= longest_) return false;
    int64_t characters = 0;
    for (const char c : word) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return characters > longest_;
  }

  ByteTrie trie_;
  ByteTrie::Node continuation_;
  int32_t unknown_ = 0;
  int64_t longest_;
};

}  // namespace

std::unique_ptr<SubwordModel> make_word_piece(const TokenizerSpec& spec, std::string_view where) {
  return std::make_unique<WordPiece>(spec, where);
}

}  // namespace limbeck::text
