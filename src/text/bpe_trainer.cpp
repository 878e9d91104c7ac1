#include "text/bpe_trainer.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>

#include "base/errors.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

using TokenPair = uint64_t;  // left id above right id: pairs sort as the two ids do

constexpr TokenPair pair_of(int32_t left, int32_t right) {
  return uint64_t(uint32_t(left)) << 32 | uint32_t(right);
}

std::string utf8_of(uint32_t character) {
  std::string text;
  append_utf8(character, text);
  return text;
}

template <class Take>
void for_each_code_point(std::string_view word, Take take) {
  for (std::size_t at = 0; at < word.size();) {
    const CodePoint c = code_point_at(word.data() + at);
    take(c.value, at == 0);
    at += c.size;
  }
}

// Counts of pairs, by a number that each pair is given when it is first seen.
class PairCounts {
 public:
  uint32_t number_of(TokenPair pair) {
    const auto [found, is_new] = numbers_.try_emplace(pair, uint32_t(counts.size()));
    if (is_new) {
      counts.push_back(0);
      words.emplace_back();
    }
    return found->second;
  }
  std::vector<int64_t> counts;              // how often the pair occurs
  std::vector<std::vector<int32_t>> words;  // where it is new since the queue was last filled

 private:
  struct Hash {
    std::size_t operator()(TokenPair pair) const { return (pair ^ pair >> 29) * 0x9E3779B97F4A7C15ULL >> 20; }
  };
  std::unordered_map<TokenPair, uint32_t, Hash> numbers_;
};

// A pair that may be the next token, with the words that it is looked for in.
struct Candidate {
  int64_t count;
  TokenPair pair;
  uint32_t number;
  std::vector<int32_t> words;
};
bool is_later(const Candidate& a, const Candidate& b) {
  return a.count != b.count ? a.count < b.count : a.pair > b.pair;
}

class BpeTrainer {
 public:
  BpeTrainer(std::span<const WordCount> words, const BpeTraining& training) : words_(words), training_(training) {
    add_special_tokens();
    add_alphabet();
    spell_words();
    expect_room();
  }

  TrainedBpe train() {
    count_pairs();
    merge_pairs();
    return std::move(trained_);
  }

 private:
  int32_t id_of(const std::string& token) {
    const auto [found, is_new] = ids_.try_emplace(token, int32_t(trained_.tokens.size()));
    if (is_new) trained_.tokens.push_back(token);
    return found->second;
  }

  void add_special_tokens() {
    for (const std::string& token : training_.special_tokens) id_of(token);
    trained_.num_special = int64_t(trained_.tokens.size());
  }

  void add_alphabet() {
    std::map<uint32_t, int64_t> counts;
    for (const WordCount& word : words_)
      for_each_code_point(word.word, [&](uint32_t c, bool) { counts[c] += word.count; });
    for (const std::string& character : training_.initial_alphabet)
      counts[code_point_at(character.data()).value] = std::numeric_limits<int64_t>::max();
    std::vector<std::pair<uint32_t, int64_t>> kept(counts.begin(), counts.end());
    if (training_.limit_alphabet > 0 && int64_t(kept.size()) > training_.limit_alphabet) {
      std::stable_sort(kept.begin(), kept.end(), [](auto& a, auto& b) { return a.second > b.second; });
      trained_.num_left_out = int64_t(kept.size()) - training_.limit_alphabet;
      kept.resize(std::size_t(training_.limit_alphabet));
      std::sort(kept.begin(), kept.end());
    }
    for (const auto& [character, count] : kept) id_of(utf8_of(character));
  }

  // Words as ids of characters, one after another in symbols_. Characters that were left out are passed over.
  void spell_words() {
    std::set<uint32_t> continuing;
    if (!training_.continuing_prefix.empty()) {
      for (const WordCount& word : words_)
        for_each_code_point(word.word, [&](uint32_t c, bool is_first) {
          if (!is_first && ids_.contains(utf8_of(c))) continuing.insert(c);
        });
      for (const uint32_t c : continuing) id_of(training_.continuing_prefix + utf8_of(c));
    }
    trained_.num_characters = int64_t(trained_.tokens.size()) - trained_.num_special;
    std::unordered_map<uint32_t, std::pair<int32_t, int32_t>> ids;  // of a character: first in a word, and not
    const auto known = [&](const std::string& token) {
      const auto found = ids_.find(token);
      return found == ids_.end() ? -1 : found->second;
    };
    begins_.push_back(0);
    for (const WordCount& word : words_) {
      for_each_code_point(word.word, [&](uint32_t c, bool is_first) {
        auto found = ids.find(c);
        if (found == ids.end()) {
          const std::string text = utf8_of(c);
          const int32_t first = known(text);
          found = ids.emplace(c, std::pair(first, first < 0 ? -1 : known(training_.continuing_prefix + text))).first;
        }
        const int32_t id = is_first ? found->second.first : found->second.second;
        if (id >= 0) symbols_.push_back(id);
      });
      begins_.push_back(int64_t(symbols_.size()));
      lengths_.push_back(int32_t(begins_.back() - begins_[begins_.size() - 2]));
    }
  }

  void expect_room() const {
    const auto needed = int64_t(trained_.tokens.size());
    if (training_.vocab_size < needed)
      user_fail("vocab_size",
                "expected at least {}, for {} special tokens and {} characters (at the beginning of a word or after), "
                "but received {}; limit_alphabet leaves rare characters out",
                needed, trained_.num_special, trained_.num_characters, training_.vocab_size);
  }

  void count_pairs() {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      const int32_t* symbol = symbols_.data() + begins_[w];
      for (int32_t i = 0; i + 1 < lengths_[w]; ++i)
        change(pair_of(symbol[i], symbol[i + 1]), words_[w].count, int32_t(w));
    }
    fill_queue();
  }

  void merge_pairs() {
    Progress progress("merging", "tokens", training_.vocab_size, int64_t(trained_.tokens.size()));
    while (int64_t(trained_.tokens.size()) < training_.vocab_size && !queue_.empty()) {
      throw_if_interrupted("nothing was written; the same command starts again");
      std::pop_heap(queue_.begin(), queue_.end(), is_later);
      Candidate& top = queue_.back();
      if (top.count != pairs_.counts[top.number]) {  // some of its occurrences went into other tokens
        top.count = pairs_.counts[top.number];
        std::push_heap(queue_.begin(), queue_.end(), is_later);
        continue;
      }
      if (top.count < std::max<int64_t>(training_.min_frequency, 1)) break;
      const Candidate merged = std::move(top);
      queue_.pop_back();
      merge(merged);
      progress.set(int64_t(trained_.tokens.size()));
    }
    progress.finish();
  }

  void merge(const Candidate& merged) {
    const auto left = int32_t(merged.pair >> 32), right = int32_t(merged.pair & 0xFFFFFFFF);
    const std::string first = trained_.tokens[std::size_t(left)], second = trained_.tokens[std::size_t(right)];
    const std::string& prefix = training_.continuing_prefix;
    const int32_t joined = id_of(first + (second.starts_with(prefix) ? second.substr(prefix.size()) : second));
    trained_.merges.emplace_back(first, second);
    for (const int32_t word : merged.words) merge_in_word(word, left, right, joined);
    fill_queue();
  }

  void merge_in_word(int32_t word, int32_t left, int32_t right, int32_t joined) {
    int32_t* symbol = symbols_.data() + begins_[std::size_t(word)];
    const int32_t length = lengths_[std::size_t(word)];
    const int64_t count = words_[std::size_t(word)].count;
    int32_t kept = 0;
    for (int32_t i = 0; i < length; ++i) {
      if (symbol[i] != left || i + 1 == length || symbol[i + 1] != right) {
        symbol[kept++] = symbol[i];
        continue;
      }
      if (kept > 0) {
        change(pair_of(symbol[kept - 1], left), -count, word);
        change(pair_of(symbol[kept - 1], joined), count, word);
      }
      if (i + 2 < length) {
        change(pair_of(right, symbol[i + 2]), -count, word);
        change(pair_of(joined, symbol[i + 2]), count, word);
      }
      symbol[kept++] = joined;
      ++i;
    }
    lengths_[std::size_t(word)] = kept;
  }

  void change(TokenPair pair, int64_t by, int32_t word) {
    const uint32_t number = pairs_.number_of(pair);
    pairs_.counts[number] += by;
    if (by <= 0) return;
    auto& words = pairs_.words[number];
    if (words.empty()) changed_.emplace_back(pair, number);
    if (words.empty() || words.back() != word) words.push_back(word);
  }

  void fill_queue() {
    for (const auto& [pair, number] : changed_) {
      const int64_t count = pairs_.counts[number];
      std::vector<int32_t> words;
      words.swap(pairs_.words[number]);
      if (count <= 0) continue;
      queue_.push_back({count, pair, number, std::move(words)});
      std::push_heap(queue_.begin(), queue_.end(), is_later);
    }
    changed_.clear();
  }

  const std::span<const WordCount> words_;
  const BpeTraining& training_;
  TrainedBpe trained_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<int32_t> symbols_, lengths_;  // word w: lengths_[w] ids from symbols_[begins_[w]]
  std::vector<int64_t> begins_;
  PairCounts pairs_;
  std::vector<std::pair<TokenPair, uint32_t>> changed_;  // pairs with new occurrences since the queue was filled
  std::vector<Candidate> queue_;                         // a heap, the next token on top
};

}  // namespace

TrainedBpe train_bpe(std::span<const WordCount> words, const BpeTraining& training) {
  if (words.empty()) user_fail("train_bpe", "expected texts with at least one word but received none");
  if (words.size() > std::size_t(std::numeric_limits<int32_t>::max()))
    user_fail("train_bpe", "expected at most 2^31 - 1 distinct words but received {}", words.size());
  return BpeTrainer(words, training).train();
}

}  // namespace limbeck::text
