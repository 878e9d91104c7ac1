#include "text/tokenizer.h"

#include <array>
#include <unordered_map>

#include "base/errors.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/byte_alphabet.h"
#include "text/normal_forms.h"
#include "text/pipeline_tokenizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"
#include "text/vocabulary_index.h"
#include "text/word_cache.h"

namespace limbeck::text {
namespace {

constexpr const char* kWhere = "tokenizer";

// The bytes of every token, one after another.
struct TokenBytes {
  std::string bytes;
  std::vector<uint64_t> ends;  // by id
  std::string_view of(int32_t id) const {
    if (id < 0 || std::size_t(id) >= ends.size()) return {};
    const uint64_t begin = id == 0 ? 0 : ends[std::size_t(id) - 1];
    return std::string_view(bytes).substr(begin, ends[std::size_t(id)] - begin);
  }
};

class ByteLevelBpe final : public Tokenizer {
 public:
  explicit ByteLevelBpe(TokenizerSpec given);

  int64_t vocab_size() const override { return int64_t(bytes_.ends.size()); }
  std::vector<int32_t> encode(std::string_view text) const override;
  std::vector<int32_t> encode_rendered(std::string_view text) const override;
  std::vector<int32_t> encode_ordinary(std::string_view text) const override;
  std::string decode(std::span<const int32_t> ids, bool skip_special) const override;
  std::string_view token_bytes(int32_t id) const override { return bytes_.of(id); }
  bool is_special(int32_t id) const override {
    return id >= 0 && std::size_t(id) < index_.special.size() && index_.special[std::size_t(id)];
  }
  std::optional<int32_t> id_of(std::string_view token) const override;
  const TokenizerSpec& spec() const override { return spec_; }
  const PostProcessor& post_processor() const override { return post_processor_; }
  void save(const std::filesystem::path& folder) const override { save_tokenizer(spec_, folder); }

 private:
  void index_tokens();
  void index_added();
  Bpe make_bpe() const;
  void append(std::string_view text, bool find_special, std::vector<int32_t>& out) const;
  void append_normalized(std::string_view text, bool find_special, std::vector<int32_t>& out) const;
  void append_segment(std::string_view text, std::vector<int32_t>& out) const;

  const TokenizerSpec spec_;
  const uint64_t number_;  // differs from that of any other tokenizer of this process
  Scanner scanner_;
  const VocabularyIndex index_;
  TokenBytes bytes_;
  PostProcessor post_processor_;
  std::unordered_map<std::string_view, int32_t> whole_words_;  // by bytes, for ignore_merges
  std::unique_ptr<AddedTokenFinder> raw_added_, normalized_added_;
  std::unique_ptr<Bpe> bpe_;
};

ByteLevelBpe::ByteLevelBpe(TokenizerSpec given)
    : spec_(std::move(given)),
      number_(next_tokenizer_number()),
      scanner_(scanner_of(spec_.pre_tokenizer)),
      index_(spec_) {
  if (spec_.add_prefix_space && spec_.pre_tokenizer != PreTokenizer::kGpt2)
    fail(kWhere, "add_prefix_space is supported with the GPT-2 pre-tokenizer only");
  index_tokens();
  index_added();
  bpe_ = std::make_unique<Bpe>(make_bpe());
  const auto check_id = [&](const char* name, const std::optional<int32_t>& id) {
    if (id && (*id < 0 || *id >= vocab_size()))
      fail(kWhere, "{}: expected an id below the vocabulary's size {} but received {}", name, vocab_size(), *id);
  };
  check_id("bos", spec_.bos);
  check_id("eos", spec_.eos);
  check_id("unk", spec_.unk);
  check_id("pad", spec_.pad);
  check_id("missing_byte_token", spec_.missing_byte_token);
  if (spec_.add_bos && !spec_.bos) fail(kWhere, "add_bos: expected a bos token but none is named");
  if (spec_.add_eos && !spec_.eos) fail(kWhere, "add_eos: expected an eos token but none is named");
  post_processor_ = make_post_processor(spec_, vocab_size());
}

void ByteLevelBpe::index_tokens() {
  bytes_.ends.reserve(index_.texts.size());
  for (const std::string_view text : index_.texts) {
    const auto bytes = alphabet_to_bytes(text);
    bytes_.bytes += bytes ? std::string_view(*bytes) : text;
    bytes_.ends.push_back(bytes_.bytes.size());
  }
  if (spec_.ignore_merges) {
    for (std::size_t id = 0; id < spec_.tokens.size(); ++id)
      if (!spec_.tokens[id].empty() && alphabet_to_bytes(spec_.tokens[id]))
        whole_words_.emplace(bytes_.of(int32_t(id)), int32_t(id));
  }
}

void ByteLevelBpe::index_added() {
  std::vector<AddedToken> raw, normalized;
  for (const AddedToken& token : spec_.added) {
    AddedToken pattern = token;
    if (token.normalized && spec_.nfc) {
      std::string storage;
      pattern.content = std::string(nfc(token.content, storage));
    }
    (token.normalized ? normalized : raw).push_back(std::move(pattern));
  }
  raw_added_ = std::make_unique<AddedTokenFinder>(std::move(raw));
  normalized_added_ = std::make_unique<AddedTokenFinder>(std::move(normalized));
}

Bpe ByteLevelBpe::make_bpe() const {
  std::array<int32_t, 256> byte_ids;
  byte_ids.fill(-1);
  std::size_t known = 0;
  const auto id_in_model = [&](std::string_view token) -> std::optional<int32_t> {  // not of an added token beyond it
    const auto found = index_.ids.find(token);
    if (found == index_.ids.end() || std::size_t(found->second) >= spec_.tokens.size()) return std::nullopt;
    return found->second;
  };
  for (int b = 0; b < 256; ++b) {
    const char byte = char(b);
    if (const auto id = id_in_model(bytes_to_alphabet({&byte, 1}))) byte_ids[std::size_t(b)] = *id, ++known;
  }
  if (known == 0) fail(kWhere, "expected a byte-level vocabulary but received one without a token for any single byte");
  std::vector<Merge> merges;
  merges.reserve(spec_.merges.size());
  for (std::size_t rank = 0; rank < spec_.merges.size(); ++rank) {
    const auto& [left, right] = spec_.merges[rank];
    const auto part = [&](const std::string& token) {
      const auto id = id_in_model(token);
      if (!id) fail(kWhere, "merge {} ('{}' and '{}'): '{}' is not in the vocabulary", rank, left, right, token);
      return *id;
    };
    merges.push_back({part(left), part(right), part(left + right)});
  }
  return Bpe(byte_ids, merges, spec_.missing_byte_token, spec_.fuse_missing_bytes);
}

std::vector<int32_t> ByteLevelBpe::encode(std::string_view text) const {
  if (!post_processor_.is_simple())
    return post_processor_.process(encode_rendered(text), nullptr, PostProcessor::Special::kAdd).ids;
  const auto &before = post_processor_.before(), &after = post_processor_.after();
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3 + 8);
  ids.insert(ids.end(), before.begin(), before.end());
  append(text, true, ids);
  ids.insert(ids.end(), after.begin(), after.end());
  return ids;
}

std::vector<int32_t> ByteLevelBpe::encode_rendered(std::string_view text) const {
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3 + 8);
  append(text, true, ids);
  return ids;
}

std::vector<int32_t> ByteLevelBpe::encode_ordinary(std::string_view text) const {
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3 + 8);
  append(text, false, ids);
  return ids;
}

void ByteLevelBpe::append(std::string_view text, bool find_special, std::vector<int32_t>& out) const {
  std::string storage;
  text = replace_invalid_utf8(text, storage);
  if (raw_added_->empty()) return append_normalized(text, find_special, out);
  std::vector<AddedTokenFinder::Stretch> stretches;
  raw_added_->split(text, find_special, stretches);
  for (const auto& stretch : stretches) {
    if (stretch.id >= 0) {
      out.push_back(stretch.id);
    } else {
      append_normalized(stretch.text, find_special, out);
    }
  }
}

void ByteLevelBpe::append_normalized(std::string_view text, bool find_special, std::vector<int32_t>& out) const {
  std::string storage;
  if (spec_.nfc) text = nfc(text, storage);
  if (normalized_added_->empty()) return append_segment(text, out);
  std::vector<AddedTokenFinder::Stretch> stretches;
  normalized_added_->split(text, find_special, stretches);
  for (const auto& stretch : stretches) {
    if (stretch.id >= 0) {
      out.push_back(stretch.id);
    } else {
      append_segment(stretch.text, out);
    }
  }
}

void ByteLevelBpe::append_segment(std::string_view text, std::vector<int32_t>& out) const {
  if (text.empty()) return;
  std::string with_space;
  if (spec_.add_prefix_space && text.front() != ' ') text = with_space.append(" ").append(text);
  WordCache& cache = WordCache::of(number_);
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const char* after = scanner_(at, end);
    const std::string_view word(at, std::size_t(after - at));
    at = after;
    const uint64_t hash = WordCache::hash(word);
    if (cache.find(word, hash, out)) continue;
    const std::size_t before = out.size();
    const auto whole = whole_words_.find(word);  // empty unless ignore_merges
    if (whole != whole_words_.end()) {
      out.push_back(whole->second);
    } else {
      bpe_->encode(word, out);
    }
    cache.put(word, hash, out.data() + before, out.size() - before);
  }
}

std::string ByteLevelBpe::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  for (const int32_t id : ids)
    if (!skip_special || !is_special(id)) bytes += bytes_.of(id);
  std::string storage;
  const std::string_view text = replace_invalid_utf8(bytes, storage);
  return text.data() == bytes.data() ? std::move(bytes) : std::string(text);
}

std::optional<int32_t> ByteLevelBpe::id_of(std::string_view token) const {
  const auto found = index_.ids.find(token);
  if (found == index_.ids.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::shared_ptr<const Tokenizer> Tokenizer::from_spec(TokenizerSpec spec) {
  if (spec.pipeline) return make_pipeline_tokenizer(std::move(spec));
  return std::make_shared<ByteLevelBpe>(std::move(spec));
}

std::shared_ptr<const Tokenizer> Tokenizer::from_folder(const std::filesystem::path& folder) {
  return in_context("loading the tokenizer of " + folder.string(), [&] { return from_spec(read_tokenizer(folder)); });
}

}  // namespace limbeck::text
