// Byte pair encoding over characters, as SentencePiece's vocabularies are in tokenizer.json: a character that the
// vocabulary lacks becomes its bytes' tokens "<0x0A>", or the unknown token.
#include <unordered_map>

#include "base/errors.h"
#include "base/printable.h"
#include "text/bpe.h"
#include "text/subword_model.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

constexpr std::string_view kMark = "\u2581";  // what stands for a space

class CharacterBpe final : public SubwordModel {
 public:
  CharacterBpe(const TokenizerSpec& spec, std::string_view where) : settings_(*spec.pipeline) {
    ids_.reserve(spec.tokens.size());
    for (std::size_t id = 0; id < spec.tokens.size(); ++id)
      if (!spec.tokens[id].empty()) ids_[spec.tokens[id]] = int32_t(id);
    for (const auto& [token, id] : ids_) {
      const CodePoint first = code_point_at(token.data());
      if (first.size != token.size()) continue;
      if (first.value < 128) {
        ascii_[first.value] = id;
      } else {
        characters_[first.value] = id;
      }
    }
    for (unsigned b = 0; b < 256; ++b) {
      const auto found = ids_.find(fmt::format("<0x{:02X}>", b));
      bytes_[b] = found == ids_.end() ? -1 : found->second;
    }
    plain_ = settings_.continuing_prefix.empty() && settings_.end_of_word.empty();
    read_merges(spec, where);
  }

  bool words_are_apart() const override { return words_are_apart_; }

  void encode(std::string_view piece, std::vector<int32_t>& out) const override {
    if (settings_.ignore_merges) {
      if (const auto whole = ids_.find(piece); whole != ids_.end()) return out.push_back(whole->second);
    }
    const std::size_t begin = out.size();
    int64_t unknown_run = 0;  // characters that wait to become the unknown token
    const auto end_run = [&] {
      if (unknown_run > 0) out.push_back(*settings_.unknown);
      unknown_run = 0;
    };
    for (std::size_t at = 0; at < piece.size();) {
      const CodePoint c = code_point_at(piece.data() + at);
      const std::string_view character = piece.substr(at, c.size);
      const bool first = at == 0;
      at += c.size;
      const int32_t id = plain_ ? id_of(c.value) : id_at(character, first, at == piece.size());
      if (id >= 0) {
        end_run();
        out.push_back(id);
      } else if (settings_.byte_fallback && append_bytes(decorated(character, first, at == piece.size()), out)) {
        // A run of unknown ones that waits is put after these, as in that library.
      } else if (settings_.unknown) {
        if (!settings_.fuse_unknown) end_run();
        ++unknown_run;
      }
    }
    end_run();
    if (merges_) merges_->merge(out, begin);
  }

 private:
  void read_merges(const TokenizerSpec& spec, std::string_view where) {
    const std::string& prefix = settings_.continuing_prefix;
    std::vector<Merge> merges;
    merges.reserve(spec.merges.size());
    bool crossed = false;  // a merge goes on past a space
    for (std::size_t rank = 0; rank < spec.merges.size(); ++rank) {
      const std::string &left = spec.merges[rank].first, &right = spec.merges[rank].second;
      const auto part = [&](std::string_view token) {
        const auto found = ids_.find(token);
        if (found == ids_.end())
          fail(where, "merge {} ('{}' and '{}'): '{}' is not in the vocabulary", rank, printable(left),
               printable(right), printable(std::string(token)));
        return found->second;
      };
      if (right.size() < prefix.size())
        fail(where, "merge {} ('{}' and '{}'): expected the prefix '{}' before the second", rank, printable(left),
             printable(right), printable(prefix));
      const std::string joined = left + right.substr(prefix.size());
      merges.push_back({part(left), part(right), part(joined)});
      crossed = crossed || has_mark_inside(joined);
    }
    if (!merges.empty()) merges_.emplace(merges);
    words_are_apart_ = plain_ && !settings_.ignore_merges && !crossed && id_of(code_point_at(kMark.data()).value) >= 0;
  }

  static bool has_mark_inside(std::string_view token) {  // after something that is not a mark
    while (token.starts_with(kMark)) token.remove_prefix(kMark.size());
    return token.find(kMark) != std::string_view::npos;
  }

  int32_t id_of(uint32_t c) const {
    if (c < 128) return ascii_[c];
    const auto found = characters_.find(c);
    return found == characters_.end() ? -1 : found->second;
  }
  std::string decorated(std::string_view character, bool first, bool last) const {
    std::string token = first ? "" : settings_.continuing_prefix;
    token += character;
    if (last) token += settings_.end_of_word;
    return token;
  }
  int32_t id_at(std::string_view character, bool first, bool last) const {
    const auto found = ids_.find(decorated(character, first, last));
    return found == ids_.end() ? -1 : found->second;
  }
  bool append_bytes(const std::string& token, std::vector<int32_t>& out) const {  // all or none
    const std::size_t before = out.size();
    for (const char b : token) {
      const int32_t id = bytes_[static_cast<unsigned char>(b)];
      if (id < 0) {
        out.resize(before);
        return false;
      }
      out.push_back(id);
    }
    return true;
  }

  const Pipeline& settings_;
  std::unordered_map<std::string_view, int32_t> ids_;
  std::array<int32_t, 128> ascii_ = [] {
    std::array<int32_t, 128> none;
    none.fill(-1);
    return none;
  }();
  std::unordered_map<uint32_t, int32_t> characters_;  // beyond ASCII
  std::array<int32_t, 256> bytes_;
  std::optional<Bpe> merges_;
  bool plain_ = true, words_are_apart_ = false;
};

}  // namespace

std::unique_ptr<SubwordModel> make_character_bpe(const TokenizerSpec& spec, std::string_view where) {
  return std::make_unique<CharacterBpe>(spec, where);
}

}  // namespace limbeck::text
