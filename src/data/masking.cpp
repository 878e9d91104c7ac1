#include "data/masking.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <tuple>  // std::tie

#include "base/errors.h"

namespace limbeck::data {
namespace {

// Of ids that are no token there is nothing to choose.
bool is_ordinary(const text::Tokenizer& tokenizer, int32_t id) {
  return !tokenizer.token_bytes(id).empty() && !tokenizer.is_special(id);
}

bool is_word_piece(const text::TokenizerSpec& spec) {
  return spec.pipeline && spec.pipeline->model == text::ModelKind::kWordPiece;
}

// The number of hidden tokens among so many; 0 among none.
int64_t share_of(double rate, int64_t tokens) {
  return tokens == 0 ? 0 : std::max<int64_t>(1, std::llround(rate * static_cast<double>(tokens)));
}

}  // namespace

// The unit with the smallest key is chosen first: -log(u)/w orders units as draws without replacement in proportion to
// w do (Efraimidis and Spirakis 2006).
struct Masker::Unit {
  double key;
  int64_t text;
  int32_t begin, end;
};

void MaskingOptions::describe(Fields& f) {
  f("rate", rate, "share of the tokens that have to be guessed", Range{.low = 0, .high = 1, .low_open = true});
  f("mask_share", mask_share, "of these become the mask token", within(0, 1));
  f("random_share", random_share, "of these become another token, drawn at random; the rest stays as it is",
    within(0, 1));
  f("from", from,
    "text: round(rate · tokens) of each text; batch: rate · tokens, rounded up, of a whole batch, which may be more of "
    "one "
    "text than of another",
    {{"text", MaskedFrom::kEachText}, {"batch", MaskedFrom::kWholeBatch}});
  f("smoothing", smoothing,
    "tokens are chosen in proportion to their count in the texts to the power of minus this; 0: all alike",
    at_least(0));
  f("whole_words", whole_words, "the pieces of a word are hidden together");
  f.check([this]() -> std::optional<std::string> {
    if (mask_share + random_share > 1 + 1e-12)
      return fmt::format("mask_share and random_share: expected at most 1 together but received {}",
                         mask_share + random_share);
    if (whole_words && smoothing > 0) return "whole_words: expected smoothing=0 with it, which is of single tokens";
    return std::nullopt;
  });
}

Masker::Masker(const text::Tokenizer& tokenizer, const MaskingOptions& options, const std::vector<int64_t>& counts)
    : options_(options) {
  const auto mask = mask_token(tokenizer);
  if (!mask) user_fail("tokenizer", "expected a mask token ([MASK] or <mask>) but this one has none");
  mask_ = *mask;
  const auto vocab_size = static_cast<std::size_t>(tokenizer.vocab_size());
  const text::TokenizerSpec& spec = tokenizer.spec();
  const bool pieces = is_word_piece(spec), bytes = !spec.pipeline;
  if (options.whole_words && !pieces && !bytes)
    user_fail("whole_words",
              "expected a WordPiece or byte-level BPE tokenizer, whose words can be told apart, but this is another");
  const std::string prefix = pieces ? spec.pipeline->continuing_prefix : "";
  weights_.resize(vocab_size);
  continues_.resize(vocab_size);
  for (std::size_t i = 0; i < vocab_size; ++i) {
    const auto id = static_cast<int32_t>(i);
    if (!is_ordinary(tokenizer, id)) continue;
    replacements_.push_back(id);
    const int64_t count = i < counts.size() ? std::max<int64_t>(counts[i], 1) : 1;
    weights_[i] = std::pow(static_cast<double>(count), -options.smoothing);
    if (options.whole_words)
      continues_[i] = pieces ? i < spec.tokens.size() && spec.tokens[i].starts_with(prefix)
                             : !tokenizer.token_bytes(id).starts_with(' ');
  }
  if (replacements_.empty()) user_fail("tokenizer", "expected tokens that are not special but this one has none");
}

std::vector<MaskedText> Masker::draw(std::span<const Example* const> batch, Seed seed) const {
  std::vector<MaskedText> texts(batch.size());
  std::vector<Unit> units;
  int64_t num_tokens = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Seed own = seed.derive(static_cast<uint64_t>(batch[i]->index));
    num_tokens += static_cast<int64_t>(batch[i]->ids.size());
    add_units(*batch[i], own, static_cast<int64_t>(i), units);
    if (options_.from == MaskedFrom::kWholeBatch) continue;
    int64_t maskable = 0;
    for (const Unit& unit : units) maskable += unit.end - unit.begin;
    choose(units, share_of(options_.rate, maskable), texts);
    units.clear();
  }
  if (options_.from == MaskedFrom::kWholeBatch)
    choose(units, static_cast<int64_t>(std::ceil(options_.rate * static_cast<double>(num_tokens) - 1e-9)), texts);
  for (std::size_t i = 0; i < batch.size(); ++i)
    replace(*batch[i], seed.derive(static_cast<uint64_t>(batch[i]->index)), texts[i]);
  return texts;
}

void Masker::add_units(const Example& text, Seed seed, int64_t text_index, std::vector<Unit>& units) const {
  Random random(seed.derive("choice"));
  bool in_word = false;
  for (std::size_t i = 0; i < text.ids.size(); ++i) {
    const auto id = static_cast<std::size_t>(text.ids[i]);
    if (id >= weights_.size()) fail("masking", "expected ids below {} but received {}", weights_.size(), text.ids[i]);
    const double weight = weights_[id];
    if (weight == 0) {
      in_word = false;
      continue;
    }
    const auto place = static_cast<int32_t>(i);
    if (in_word && continues_[id]) {
      units.back().end = place + 1;
      continue;
    }
    units.push_back({-std::log1p(-random.uniform()) / weight, text_index, place, place + 1});
    in_word = true;
  }
}

void Masker::choose(std::vector<Unit>& units, int64_t number, std::vector<MaskedText>& texts) const {
  std::sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) {
    return std::tie(a.key, a.text, a.begin) < std::tie(b.key, b.text, b.begin);
  });
  int64_t left = number;
  for (const Unit& unit : units) {
    if (left == 0) break;
    if (unit.end - unit.begin > left) continue;  // a word that does not fit; a shorter one may
    left -= unit.end - unit.begin;
    for (int32_t place = unit.begin; place < unit.end; ++place)
      texts[static_cast<std::size_t>(unit.text)].places.push_back(place);
  }
  for (MaskedText& text : texts) std::sort(text.places.begin(), text.places.end());
}

void Masker::replace(const Example& text, Seed seed, MaskedText& masked) const {
  Random random(seed.derive("replacement"));
  masked.ids = text.ids;
  for (const int32_t place : masked.places) {
    const double u = random.uniform();
    int32_t& id = masked.ids[static_cast<std::size_t>(place)];
    if (u < options_.mask_share)
      id = mask_;
    else if (u < options_.mask_share + options_.random_share)
      id = replacements_[random.below(replacements_.size())];
  }
}

std::vector<int64_t> token_counts(const std::vector<Example>& examples, int64_t vocab_size) {
  std::vector<int64_t> counts(static_cast<std::size_t>(vocab_size));
  for (const Example& example : examples)
    for (const int32_t id : example.ids)
      if (id >= 0 && id < vocab_size) ++counts[static_cast<std::size_t>(id)];
  return counts;
}

StepMasks::StepMasks(const Masker& masker, const std::vector<Example>& examples, const std::vector<int64_t>& batch,
                     Seed seed) {
  std::vector<const Example*> chosen;
  for (const int64_t i : batch) {
    chosen.push_back(&examples.at(static_cast<std::size_t>(i)));
    num_tokens_ += static_cast<int64_t>(chosen.back()->ids.size());
  }
  std::vector<MaskedText> drawn = masker.draw(chosen, seed);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    num_masked_ += static_cast<int64_t>(drawn[i].places.size());
    texts_.emplace(chosen[i]->index, std::move(drawn[i]));
  }
}

MaskedBatch StepMasks::of(const Batch& batch) const {
  MaskedBatch masked{.ids = batch.ids.clone()};
  std::vector<int64_t> rows;
  int64_t* id = masked.ids.mutable_data_ptr<int64_t>();
  for (std::size_t i = 0; i < batch.indices.size(); ++i) {
    const auto found = texts_.find(batch.indices[i]);
    const int64_t begin = batch.offsets[static_cast<std::size_t>(batch.firsts[i])],
                  end = batch.offsets[static_cast<std::size_t>(batch.firsts[i + 1])];
    if (found == texts_.end() || static_cast<int64_t>(found->second.ids.size()) != end - begin)
      fail("masking", "expected the examples of this step but received example {}", batch.indices[i]);
    std::copy(found->second.ids.begin(), found->second.ids.end(), id + begin);
    for (const int32_t place : found->second.places) rows.push_back(begin + place);
  }
  masked.rows = at::tensor(rows, at::kLong);
  masked.targets = batch.ids.index_select(0, masked.rows);
  return masked;
}

std::optional<int32_t> mask_token(const text::Tokenizer& tokenizer) {
  for (const char* name : {"[MASK]", "<mask>"})
    if (const auto id = tokenizer.id_of(name)) return id;
  return std::nullopt;
}

}  // namespace limbeck::data
