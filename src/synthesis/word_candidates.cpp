#include "synthesis/word_candidates.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "text/post_processor.h"
#include "text/unicode.h"

namespace limbeck::synthesis {
namespace {

std::optional<int32_t> hidden_token(const text::Tokenizer& tokenizer) {
  for (const char* name : {"[MASK]", "<mask>"})
    if (const auto id = tokenizer.id_of(name)) return id;
  return std::nullopt;
}

at::Tensor bools(const std::vector<uint8_t>& values) {
  return at::tensor(values, at::kByte).to(at::kBool);
}

// Without the word itself, the first k.
std::vector<std::string> others(const std::vector<std::string>& words, std::string_view lower, int64_t k) {
  std::vector<std::string> kept;
  for (const std::string& word : words)
    if (static_cast<int64_t>(kept.size()) < k && in_lower_case(word) != lower) kept.push_back(word);
  return kept;
}

}  // namespace

WordCandidates::WordCandidates(models::Encoder& encoder, const text::Tokenizer& tokenizer,
                               const formats::WordVectors* vectors, int64_t k)
    : encoder_(encoder), tokenizer_(tokenizer), vectors_(vectors), k_(k) {
  const text::TokenizerSpec& spec = tokenizer.spec();
  byte_level_ = !spec.pipeline;
  const std::string prefix = spec.pipeline ? spec.pipeline->continuing_prefix : "";
  const auto size = static_cast<std::size_t>(encoder.word_embeddings().size(0));
  words_.resize(size);
  std::vector<uint8_t> allowed(size);
  for (std::size_t i = 0; i < size; ++i) {
    const auto id = static_cast<int32_t>(i);
    // In the middle of a text WordPiece's words have a space before them, which its vocabulary has not.
    std::string_view text = byte_level_              ? tokenizer.token_bytes(id)
                            : i < spec.tokens.size() ? std::string_view(spec.tokens[i])
                                                     : std::string_view();
    const bool continues = !prefix.empty() && i < spec.tokens.size() && spec.tokens[i].starts_with(prefix);
    if (text.empty() || tokenizer.is_special(id) || continues || (byte_level_ && !text.starts_with(' '))) continue;
    if (byte_level_) text.remove_prefix(1);
    if (text::valid_utf8_prefix(text) != text.size() || !is_word(text)) continue;
    words_[i] = text;
    allowed[i] = 1;
  }
  allowed_ = bools(allowed);
  if (allowed_.sum().item<int64_t>() <= k)
    user_fail("augment", "expected a vocabulary with more than {} words but received one with {}", k,
              allowed_.sum().item<int64_t>());
  if (!vectors) return;
  std::vector<uint8_t> usable;
  for (std::size_t i = 0; i < vectors->words.size(); ++i) {
    const std::string& word = vectors->words[i];
    usable.push_back(text::valid_utf8_prefix(word) == word.size() && is_word(word));
    if (usable.back()) vector_rows_.emplace(in_lower_case(word), static_cast<int64_t>(i));
  }
  allowed_vectors_ = bools(usable);
  if (allowed_vectors_.sum().item<int64_t>() <= k)
    user_fail("augment", "expected word vectors of more than {} words but received {}", k, vector_rows_.size());
}

std::vector<WordCandidates::OfText> WordCandidates::of(const std::vector<TextWords>& texts, int64_t max_tokens) {
  std::vector<OfText> found(texts.size());
  std::vector<Question> questions;
  // Text and word of those that the model is not asked about.
  std::vector<std::pair<std::size_t, std::size_t>> without_question;
  std::vector<std::string> lower;
  int64_t num_tokens = 0;
  Progress progress("looking for words", "texts", static_cast<int64_t>(texts.size()));
  for (std::size_t t = 0; t < texts.size(); ++t) {
    throw_if_interrupted("the same command goes on");
    found[t].resize(texts[t].words.size());
    for (std::size_t w = 0; w < texts[t].words.size(); ++w) {
      Question question{.text = t, .word = w, .ids = {}, .types = {}};
      if (!asks_model(texts[t], w, question)) {
        without_question.emplace_back(t, w);
        lower.push_back(in_lower_case(texts[t].word(w)));
        continue;
      }
      if (num_tokens + static_cast<int64_t>(question.ids.size()) > max_tokens) {
        answer(questions, texts, found);
        questions.clear();
        num_tokens = 0;
      }
      num_tokens += static_cast<int64_t>(question.ids.size());
      questions.push_back(std::move(question));
    }
    progress.set(static_cast<int64_t>(t + 1));
  }
  answer(questions, texts, found);
  find_neighbours(lower);
  for (std::size_t i = 0; i < lower.size(); ++i)
    found[without_question[i].first][without_question[i].second] = neighbours_.at(lower[i]);
  progress.finish();
  return found;
}

std::vector<int32_t> WordCandidates::pieces_of(std::string_view word) const {
  return tokenizer_.encode_ordinary(byte_level_ ? " " + std::string(word) : std::string(word));
}

// Whether this word is one that the masked language model is asked about, and what it is shown.
bool WordCandidates::asks_model(const TextWords& text, std::size_t word, Question& question) const {
  const std::vector<int32_t> pieces = pieces_of(text.word(word));
  if (encoder_.head().kind != models::HeadKind::kMaskedLm || pieces.size() != 1 || pieces[0] == tokenizer_.spec().unk)
    return false;
  const auto hidden = hidden_token(tokenizer_);
  if (!hidden) return false;
  const auto [begin, end] = text.words[word];
  std::string_view before = std::string_view(text.text).substr(0, begin);
  if (byte_level_ && before.ends_with(' ')) before.remove_suffix(1);  // it belongs to the word
  std::vector<int32_t> ids = tokenizer_.encode_ordinary(before);
  ids.push_back(*hidden);
  const auto after = tokenizer_.encode_ordinary(std::string_view(text.text).substr(end));
  ids.insert(ids.end(), after.begin(), after.end());
  const std::vector<int32_t> whole = tokenizer_.encode_ordinary(text.text);
  const auto& post = tokenizer_.post_processor();
  const int64_t context = encoder_.config().context();
  const auto size = static_cast<int64_t>(ids.size() + whole.size());
  const bool both = size + post.num_added(true) <= context;
  if (!both && static_cast<int64_t>(ids.size()) + post.num_added(false) > context) return false;
  text::Encoding encoding = post.process(std::move(ids), both ? &whole : nullptr, text::PostProcessor::Special::kAdd);
  question.ids = std::move(encoding.ids);
  question.types = std::move(encoding.type_ids);
  return true;
}

void WordCandidates::answer(const std::vector<Question>& questions, const std::vector<TextWords>& texts,
                            std::vector<OfText>& found) {
  if (questions.empty()) return;
  const at::NoGradGuard no_grad;
  const int32_t hidden = *hidden_token(tokenizer_);
  std::vector<int64_t> ids, types, rows, offsets = {0};
  for (const Question& question : questions) {
    const auto place = std::find(question.ids.begin(), question.ids.end(), hidden) - question.ids.begin();
    rows.push_back(static_cast<int64_t>(ids.size()) + place);
    ids.insert(ids.end(), question.ids.begin(), question.ids.end());
    types.insert(types.end(), question.types.begin(), question.types.end());
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  const bool typed = encoder_.config().type_vocab_size > 1;
  const auto plan = models::plan_for(encoder_.config(), offsets);
  const auto output =
      encoder_.forward(at::tensor(ids, at::kLong), typed ? at::tensor(types, at::kLong) : at::Tensor(), *plan);
  const at::Tensor logits =
      encoder_.logits(output, offsets, at::tensor(rows, at::kLong))
          .masked_fill(allowed_.logical_not().unsqueeze(0), -std::numeric_limits<float>::infinity());
  const at::Tensor best = std::get<1>(logits.topk(k_ + 1, 1)).contiguous();
  const int64_t* id = best.const_data_ptr<int64_t>();
  for (const Question& question : questions) {
    std::vector<std::string> words;
    for (int64_t i = 0; i <= k_; ++i) words.push_back(words_[static_cast<std::size_t>(*id++)]);
    found[question.text][question.word] = others(words, in_lower_case(texts[question.text].word(question.word)), k_);
  }
}

// Of all words at once: a table is then brought to rows of length 1 once, and a product is of many rows.
void WordCandidates::find_neighbours(const std::vector<std::string>& lower) {
  const at::NoGradGuard no_grad;
  std::vector<std::string> with_vector, without;
  std::vector<int64_t> rows;
  std::vector<at::Tensor> means;
  for (const std::string& word : lower) {
    if (!neighbours_.emplace(word, std::vector<std::string>()).second) continue;
    if (const auto row = vector_rows_.find(word); row != vector_rows_.end()) {
      with_vector.push_back(word);
      rows.push_back(row->second);
    } else if (at::Tensor mean = mean_embedding(word); mean.defined()) {
      without.push_back(word);
      means.push_back(std::move(mean));
    }
  }
  if (!rows.empty())
    keep_nearest(with_vector, vectors_->vectors, vectors_->vectors.index_select(0, at::tensor(rows, at::kLong)),
                 allowed_vectors_, vectors_->words);
  if (!means.empty()) keep_nearest(without, encoder_.word_embeddings(), at::cat(means), allowed_, words_);
}

void WordCandidates::keep_nearest(const std::vector<std::string>& lower, const at::Tensor& table,
                                  const at::Tensor& vectors, const at::Tensor& allowed,
                                  const std::vector<std::string>& names) {
  const at::Tensor best = formats::nearest_rows(table, vectors, allowed, k_ + 1).contiguous();  // [words, k + 1]
  const int64_t* row = best.const_data_ptr<int64_t>();
  for (const std::string& word : lower) {
    std::vector<std::string> nearest;
    for (int64_t i = 0; i <= k_; ++i) nearest.push_back(names[static_cast<std::size_t>(*row++)]);
    neighbours_[word] = others(nearest, word, k_);
  }
}

// [1,D]: a word of several pieces stands where their mean does. Undefined for one with an unknown piece.
at::Tensor WordCandidates::mean_embedding(const std::string& lower) const {
  const std::vector<int32_t> pieces = pieces_of(lower);
  const auto unknown = tokenizer_.spec().unk;
  if (pieces.empty() || (unknown && std::find(pieces.begin(), pieces.end(), *unknown) != pieces.end())) return {};
  const at::Tensor rows = at::tensor(std::vector<int64_t>(pieces.begin(), pieces.end()), at::kLong);
  return encoder_.word_embeddings().index_select(0, rows).mean(0, /*keepdim=*/true);
}

}  // namespace limbeck::synthesis
