#include "text/word_counts.h"

#include <algorithm>

#include "base/interrupt.h"
#include "text/byte_alphabet.h"
#include "text/normal_forms.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/pre_tokenizer_steps.h"
#include "text/word_cache.h"  // WordCache::hash

namespace limbeck::text {
namespace {

// Words and counts of one thread: open addressing over one string that holds all words.
class WordTable {
 public:
  void add(std::string_view word, int64_t count) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    Slot& slot = slot_of(slots_, word, WordCache::hash(word));
    if (slot.count == 0) {
      slot = {WordCache::hash(word), words_.size(), word.size(), 0};
      words_ += word;
      ++used_;
    }
    slot.count += count;
  }

  template <class Take>
  void for_each(Take take) const {
    for (const Slot& slot : slots_)
      if (slot.count > 0) take(text_of(slot), slot.count);
  }

  std::size_t size() const { return used_; }

 private:
  struct Slot {
    uint64_t hash = 0;
    std::size_t begin = 0, length = 0;
    int64_t count = 0;  // 0: nobody's
  };

  std::string_view text_of(const Slot& slot) const { return std::string_view(words_).substr(slot.begin, slot.length); }

  Slot& slot_of(std::vector<Slot>& slots, std::string_view word, uint64_t hash) const {
    std::size_t at = hash & (slots.size() - 1);
    while (slots[at].count > 0 && (slots[at].hash != hash || text_of(slots[at]) != word))
      at = (at + 1) & (slots.size() - 1);
    return slots[at];
  }

  void grow() {
    std::vector<Slot> larger(slots_.empty() ? 1024 : 4 * slots_.size());
    for (const Slot& slot : slots_)
      if (slot.count > 0) slot_of(larger, text_of(slot), slot.hash) = slot;
    slots_.swap(larger);
  }

  std::string words_;
  std::vector<Slot> slots_;  // a power of two
  std::size_t used_ = 0;
};

// What is done to a text before the model of its tokenizer.
class Cutter {
 public:
  explicit Cutter(const TokenizerSpec& spec) : spec_(spec) {
    if (!spec.pipeline) return;
    normalizers_ = make_normalizers({spec.pipeline->normalizer, "tokenizer", "normalizer"});
    steps_ = make_pre_tokenizer_steps({spec.pipeline->pre_tokenizer, "tokenizer", "pre_tokenizer"});
  }

  void count(std::string_view text, WordTable& table) const {
    if (text.empty()) return;
    if (!spec_.pipeline) return count_byte_level(text, table);
    thread_local NormalizedText normalized;
    normalized.text.assign(text);
    normalized.num_from_first = 1;
    for (const auto& normalizer : normalizers_) normalizer->apply(normalized);
    if (normalized.text.empty()) return;
    thread_local Pieces pieces;
    pieces.text.swap(normalized.text);
    pieces.list.assign(1, {0, pieces.text.size()});
    pieces.at_start = normalized.num_from_first > 0;
    for (const auto& step : steps_)
      if (!pieces.list.empty()) step->apply(pieces);
    for (const auto& piece : pieces.list) table.add(pieces.of(piece), 1);
  }

 private:
  void count_byte_level(std::string_view text, WordTable& table) const {
    const Scanner scan = scanner_of(spec_.pre_tokenizer);
    std::string composed, prefixed;
    if (spec_.nfc) text = nfc(text, composed);
    if (spec_.add_prefix_space && text[0] != ' ') text = prefixed = " " + std::string(text);
    const char *at = text.data(), *end = at + text.size();
    while (at != end) {
      const char* stop = scan(at, end);
      table.add({at, std::size_t(stop - at)}, 1);
      at = stop;
    }
  }

  const TokenizerSpec& spec_;
  Normalizers normalizers_;
  PreTokenizerSteps steps_;
};

}  // namespace

std::vector<WordCount> count_words(std::span<const std::string_view> texts, const TokenizerSpec& spec) {
  constexpr std::size_t kTextsAtOnce = 1 << 16;  // between two looks at Ctrl-C
  const Cutter cutter(spec);
  WordTable all;
  for (std::size_t begin = 0; begin < texts.size(); begin += kTextsAtOnce) {
    throw_if_interrupted("nothing was written; the same command starts again");
    const auto count = int64_t(std::min(kTextsAtOnce, texts.size() - begin));
#pragma omp parallel
    {
      WordTable mine;
#pragma omp for schedule(dynamic, 256) nowait
      for (int64_t i = 0; i < count; ++i) cutter.count(texts[begin + std::size_t(i)], mine);
#pragma omp critical(limbeck_word_counts)
      mine.for_each([&](std::string_view word, int64_t n) { all.add(word, n); });
    }
  }
  std::vector<WordCount> words;
  words.reserve(all.size());
  all.for_each([&](std::string_view word, int64_t n) {
    words.push_back({spec.pipeline ? std::string(word) : bytes_to_alphabet(word), n});
  });
  std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.word < b.word; });
  return words;
}

}  // namespace limbeck::text
