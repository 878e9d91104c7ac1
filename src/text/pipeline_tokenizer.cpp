#include "text/pipeline_tokenizer.h"

#include "base/errors.h"
#include "base/printable.h"
#include "text/added_tokens.h"
#include "text/decoder_steps.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer_steps.h"
#include "text/subword_model.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"
#include "text/vocabulary_index.h"
#include "text/word_cache.h"

namespace limbeck::text {
namespace {

constexpr const char* kPipelineWhere = "tokenizer";
constexpr std::string_view kSpaceMark = "\u2581";

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerSpec given);

  int64_t vocab_size() const override { return int64_t(index_.texts.size()); }
  std::vector<int32_t> encode(std::string_view text) const override {
    return post_processor_.process(encode_rendered(text), nullptr, PostProcessor::Special::kAdd).ids;
  }
  std::vector<int32_t> encode_rendered(std::string_view text) const override { return encoded(text, true); }
  std::vector<int32_t> encode_ordinary(std::string_view text) const override { return encoded(text, false); }
  std::string decode(std::span<const int32_t> ids, bool skip_special) const override;
  std::string_view token_bytes(int32_t id) const override {
    return is_token(id) ? std::string_view(bytes_[std::size_t(id)]) : std::string_view();
  }
  bool is_special(int32_t id) const override { return is_token(id) && index_.special[std::size_t(id)]; }
  std::optional<int32_t> id_of(std::string_view token) const override {
    const auto found = index_.ids.find(token);
    return found == index_.ids.end() ? std::nullopt : std::optional(found->second);
  }
  const TokenizerSpec& spec() const override { return spec_; }
  const PostProcessor& post_processor() const override { return post_processor_; }
  void save(const std::filesystem::path& folder) const override { save_tokenizer(spec_, folder); }

 private:
  bool is_token(int32_t id) const { return id >= 0 && std::size_t(id) < index_.texts.size(); }
  std::unique_ptr<SubwordModel> make_model() const;
  void index_added();
  std::string normalized(std::string_view text) const;
  std::vector<int32_t> encoded(std::string_view text, bool find_special) const;
  void append_normalized(std::string_view text, bool at_start, bool find_special, std::vector<int32_t>& out) const;
  void append_pieces(Pieces& pieces, std::vector<int32_t>& out) const;
  void append_words(std::string_view piece, WordCache& cache, std::vector<int32_t>& out) const;
  void append_word(std::string_view word, WordCache& cache, std::vector<int32_t>& out) const;

  const TokenizerSpec spec_;
  const uint64_t number_ = next_tokenizer_number();
  const VocabularyIndex index_;
  const Normalizers normalizers_;
  const PreTokenizerSteps steps_;
  const Decoder decoder_;
  const std::unique_ptr<SubwordModel> model_;
  const PostProcessor post_processor_;
  std::vector<std::string> bytes_;        // by id
  std::vector<std::string> shown_texts_;  // by id, what decoding begins with
  std::unique_ptr<AddedTokenFinder> raw_added_, normalized_added_;
};

Component component(const Json& json, std::string_view where, const char* place) {
  return {json, std::string(where), place};
}

PipelineTokenizer::PipelineTokenizer(TokenizerSpec given)
    : spec_(std::move(given)),
      index_(spec_),
      normalizers_(make_normalizers(component(spec_.pipeline->normalizer, kPipelineWhere, "normalizer"))),
      steps_(make_pre_tokenizer_steps(component(spec_.pipeline->pre_tokenizer, kPipelineWhere, "pre_tokenizer"))),
      decoder_(component(spec_.pipeline->decoder, kPipelineWhere, "decoder")),
      model_(make_model()),
      post_processor_(make_post_processor(spec_, vocab_size())) {
  for (const auto& id : {spec_.bos, spec_.eos, spec_.unk, spec_.pad, spec_.pipeline->unknown})
    if (id && !is_token(*id))
      fail(kPipelineWhere, "expected special tokens' ids below {} but received {}", vocab_size(), *id);
  index_added();
  bytes_.reserve(index_.texts.size());
  for (const std::string_view text : index_.texts) bytes_.push_back(decoder_.bytes_of(text));
  for (const AddedToken& token : spec_.added) bytes_[std::size_t(token.id)] = token.content;
}

std::unique_ptr<SubwordModel> PipelineTokenizer::make_model() const {
  switch (spec_.pipeline->model) {
    case ModelKind::kBpe:
      return make_character_bpe(spec_, kPipelineWhere);
    case ModelKind::kUnigram:
      return make_unigram(spec_, kPipelineWhere);
    case ModelKind::kWordPiece:
      return make_word_piece(spec_, kPipelineWhere);
  }
  fail(kPipelineWhere, "expected a kind of model");
}

std::string PipelineTokenizer::normalized(std::string_view text) const {
  NormalizedText n{std::string(text)};
  for (const auto& step : normalizers_) step->apply(n);
  return std::move(n.text);
}

void PipelineTokenizer::index_added() {
  shown_texts_.assign(index_.texts.begin(), index_.texts.end());
  std::vector<AddedToken> raw, after;
  std::unordered_map<std::string, int32_t> patterns;
  for (const AddedToken& token : spec_.added) {
    AddedToken pattern = token;
    if (token.normalized) {
      pattern.content = normalized(token.content);
      if (pattern.content.empty())
        fail(kPipelineWhere, "added token '{}': nothing is left of it when it is normalized", printable(token.content));
      const auto [other, is_new] = patterns.emplace(pattern.content, token.id);
      if (!is_new && other->second != token.id)
        fail(kPipelineWhere, "added token '{}': it is that of id {} when both are normalized", printable(token.content),
             other->second);
      if (!is_new) continue;
      shown_texts_[std::size_t(token.id)] = pattern.content;
    }
    (token.normalized ? after : raw).push_back(std::move(pattern));
  }
  raw_added_ = std::make_unique<AddedTokenFinder>(std::move(raw));
  normalized_added_ = std::make_unique<AddedTokenFinder>(std::move(after));
}

std::vector<int32_t> PipelineTokenizer::encoded(std::string_view text, bool find_special) const {
  std::string storage;
  text = replace_invalid_utf8(text, storage);
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3 + 8);
  if (raw_added_->empty()) {
    if (!text.empty()) append_normalized(text, true, find_special, ids);
    return ids;
  }
  std::vector<AddedTokenFinder::Stretch> stretches;
  raw_added_->split(text, find_special, stretches);
  for (const auto& stretch : stretches) {
    if (stretch.id >= 0) {
      ids.push_back(stretch.id);
    } else {
      append_normalized(stretch.text, stretch.text.data() == text.data(), find_special, ids);
    }
  }
  return ids;
}

void PipelineTokenizer::append_normalized(std::string_view text, bool at_start, bool find_special,
                                          std::vector<int32_t>& out) const {
  thread_local NormalizedText n;
  n.text.assign(text);
  n.num_from_first = at_start ? 1 : 0;
  for (const auto& step : normalizers_) step->apply(n);
  if (n.text.empty()) return;
  thread_local Pieces pieces;
  const auto take = [&](std::string_view part, bool first) {
    pieces.text.assign(part);
    pieces.list.assign(1, {0, part.size()});
    pieces.at_start = first && n.num_from_first > 0;
    append_pieces(pieces, out);
  };
  if (normalized_added_->empty()) return take(n.text, true);
  std::vector<AddedTokenFinder::Stretch> stretches;
  normalized_added_->split(n.text, find_special, stretches);
  for (const auto& stretch : stretches) {
    if (stretch.id >= 0) {
      out.push_back(stretch.id);
    } else {
      take(stretch.text, stretch.text.data() == n.text.data());
    }
  }
}

void PipelineTokenizer::append_pieces(Pieces& pieces, std::vector<int32_t>& out) const {
  for (const auto& step : steps_) step->apply(pieces);
  WordCache& cache = WordCache::of(number_);
  const bool cut = model_->words_are_apart();
  for (const auto& piece : pieces.list) {
    if (cut) {
      append_words(pieces.of(piece), cache, out);
    } else {
      append_word(pieces.of(piece), cache, out);
    }
  }
}

// A word begins at a mark that something else stands before.
void PipelineTokenizer::append_words(std::string_view piece, WordCache& cache, std::vector<int32_t>& out) const {
  std::size_t begin = 0, at = 0;
  while (true) {
    while (piece.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
    at = piece.find(kSpaceMark, at);
    if (at == std::string_view::npos) break;
    append_word(piece.substr(begin, at - begin), cache, out);
    begin = at;
  }
  append_word(piece.substr(begin), cache, out);
}

void PipelineTokenizer::append_word(std::string_view word, WordCache& cache, std::vector<int32_t>& out) const {
  const uint64_t hash = WordCache::hash(word);
  if (cache.find(word, hash, out)) return;
  const std::size_t before = out.size();
  model_->encode(word, out);
  cache.put(word, hash, out.data() + before, out.size() - before);
}

std::string PipelineTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::vector<std::string> tokens;
  for (const int32_t id : ids)
    if (is_token(id) && !index_.texts[std::size_t(id)].empty() && !(skip_special && is_special(id)))
      tokens.push_back(shown_texts_[std::size_t(id)]);
  return decoder_.decode(std::move(tokens));
}

}  // namespace

std::shared_ptr<const Tokenizer> make_pipeline_tokenizer(TokenizerSpec spec) {
  return std::make_shared<PipelineTokenizer>(std::move(spec));
}

void check_pipeline(const Pipeline& pipeline, std::string_view where) {
  make_normalizers(component(pipeline.normalizer, where, "normalizer"));
  make_pre_tokenizer_steps(component(pipeline.pre_tokenizer, where, "pre_tokenizer"));
  Decoder ignored(component(pipeline.decoder, where, "decoder"));
}

}  // namespace limbeck::text
