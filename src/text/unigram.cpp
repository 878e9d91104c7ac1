// The unigram language model (Kudo, arXiv:1804.10959): of all ways to cut a piece into tokens, the one whose log
// probabilities have the largest sum; of equals the one whose last token begins first. A character that no token covers
// costs the least probable token's score less 10. Sums are in double from the left, as in the `tokenizers` library.
#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "text/subword_model.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

constexpr double kUnknownPenalty = 10;

class Unigram final : public SubwordModel {
 public:
  Unigram(const TokenizerSpec& spec, std::string_view where) : scores_(spec.pipeline->scores) {
    if (scores_.size() != spec.tokens.size())
      fail(where, "model: expected {} scores, one a token, but received {}", spec.tokens.size(), scores_.size());
    double least = INFINITY;
    for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
      least = std::min(least, scores_[id]);
      if (!spec.tokens[id].empty()) trie_.put(spec.tokens[id], int32_t(id));
    }
    if (!spec.pipeline->unknown) fail(where, "model: expected an unk_id but found none");
    unknown_ = *spec.pipeline->unknown;
    unknown_score_ = least - kUnknownPenalty;
    bytes_ = byte_fallback_ids(trie_);
    byte_fallback_ =
        spec.pipeline->byte_fallback && std::none_of(bytes_.begin(), bytes_.end(), [](int32_t id) { return id < 0; });
    some_bytes_ = spec.pipeline->byte_fallback && !byte_fallback_;
  }

  void encode(std::string_view piece, std::vector<int32_t>& out) const override {
    thread_local std::vector<Best> best;  // of the paths that end at each byte
    best.assign(piece.size() + 1, Best{});
    for (std::size_t begin = 0; begin < piece.size();) {
      const double here = best[begin].score;
      const std::size_t character = code_point_at(piece.data() + begin).size;
      bool covered = false;
      const auto offer = [&](std::size_t end, double score, int32_t id) {
        Best& known = best[end];
        if (known.begin == kNowhere || score > known.score) known = {score, begin, id};
      };
      ByteTrie::Node node = ByteTrie::kRoot;
      for (std::size_t at = begin; at < piece.size();) {
        node = trie_.next(node, static_cast<unsigned char>(piece[at++]));
        if (node == ByteTrie::kNone) break;
        const int32_t id = trie_.value(node);
        if (id < 0) continue;
        offer(at, scores_[std::size_t(id)] + here, id);
        covered = covered || at == begin + character;
      }
      if (!covered) offer(begin + character, unknown_score_ + here, unknown_);
      begin += character;
    }
    append_path(piece, best, out);
  }

 private:
  static constexpr std::size_t kNowhere = SIZE_MAX;
  struct Best {
    double score = 0;
    std::size_t begin = kNowhere;  // of the last token
    int32_t id = 0;
  };

  void append_path(std::string_view piece, const std::vector<Best>& best, std::vector<int32_t>& out) const {
    thread_local std::vector<std::size_t> ends;
    ends.clear();
    for (std::size_t end = piece.size(); end > 0; end = best[end].begin) ends.push_back(end);
    std::size_t unknown_begin = kNowhere;  // of a run of unknown tokens
    const auto end_run = [&](std::size_t end) {
      if (unknown_begin != kNowhere) append_unknown(piece.substr(unknown_begin, end - unknown_begin), out);
      unknown_begin = kNowhere;
    };
    for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
      const Best& token = best[*end];
      if (token.id == unknown_) {
        if (unknown_begin == kNowhere) unknown_begin = token.begin;
        continue;
      }
      end_run(token.begin);
      out.push_back(token.id);
    }
    end_run(piece.size());
  }

  // A run of unknown tokens is one text; the vocabulary may have that.
  void append_unknown(std::string_view run, std::vector<int32_t>& out) const {
    if (const int32_t id = trie_.find(run); id >= 0) return out.push_back(id);
    const auto has_token = [&](char b) { return bytes_[static_cast<unsigned char>(b)] >= 0; };
    if (byte_fallback_ || (some_bytes_ && std::all_of(run.begin(), run.end(), has_token))) {
      for (const char b : run) out.push_back(bytes_[static_cast<unsigned char>(b)]);
    } else {
      out.push_back(unknown_);
    }
  }

  const std::vector<double>& scores_;  // by id
  ByteTrie trie_;
  int32_t unknown_ = 0;
  double unknown_score_ = 0;
  std::array<int32_t, 256> bytes_;
  bool byte_fallback_ = false, some_bytes_ = false;  // all bytes have tokens; some
};

}  // namespace

std::unique_ptr<SubwordModel> make_unigram(const TokenizerSpec& spec, std::string_view where) {
  return std::make_unique<Unigram>(spec, where);
}

}  // namespace limbeck::text
