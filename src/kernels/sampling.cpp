#include "kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <functional>  // std::greater
#include <limits>
#include <numeric>

#include "kernels/instruction_sets.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kFirstGuess = 128;  // candidates that top-p looks at first

int64_t blocks_of(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}

struct Row {
  const float* x;
  int64_t n;
  std::vector<float> maxima;
  float largest = -std::numeric_limits<float>::infinity();

  Row(const float* logits, int64_t count)
      : x(logits), n(count), maxima(static_cast<std::size_t>(blocks_of(n, kMaximumBlock))) {
    instructions().block_maxima(x, n, maxima.data());
    for (const float maximum : maxima) largest = std::max(largest, maximum);
  }

  // Sums of e^((x - largest) * scale) over blocks of kSumBlock.
  std::vector<float> sums(double scale) const {
    std::vector<float> result(static_cast<std::size_t>(blocks_of(n, kSumBlock)));
    instructions().exponential_sums(x, n, largest, static_cast<float>(scale), result.data());
    return result;
  }

  // A bound that at least `count` logits reach, close to the count-th largest where count is small beside n.
  float reached_by(int64_t count) const {
    if (count > static_cast<int64_t>(maxima.size())) return -std::numeric_limits<float>::infinity();
    std::vector<float> ordered = maxima;
    std::nth_element(ordered.begin(), ordered.begin() + (count - 1), ordered.end(), std::greater<>());
    return ordered[static_cast<std::size_t>(count - 1)];
  }

  // All logits that reach the bound and are more than -inf, in order of their ids.
  std::vector<Candidate> at_least(float bound, double temperature) const {
    std::vector<Candidate> found;
    for (std::size_t block = 0; block < maxima.size(); ++block) {
      if (maxima[block] < bound) continue;
      const int64_t begin = static_cast<int64_t>(block) * kMaximumBlock, end = std::min(n, begin + kMaximumBlock);
      for (int64_t i = begin; i < end; ++i)
        if (x[i] >= bound && x[i] > -std::numeric_limits<float>::infinity())
          found.push_back({static_cast<int32_t>(i), x[i], std::exp((double{x[i]} - largest) / temperature)});
    }
    return found;
  }
};

double sum(const std::vector<float>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// The first candidates of `list` (most likely first) whose mass reaches top_p of `total`; false when the list is too
// short.
bool keep_mass(std::vector<Candidate>& list, double wanted) {
  double mass = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    mass += list[i].weight;
    if (mass >= wanted) return list.resize(i + 1), true;
  }
  return false;
}

std::vector<Candidate> filtered(const Row& row, const SamplingRule& rule) {
  std::vector<Candidate> list;
  if (rule.top_k > 0) {
    list = row.at_least(row.reached_by(std::min(rule.top_k, row.n)), rule.temperature);
    std::sort(list.begin(), list.end(), likelier);
    auto end = list.begin() + std::min<int64_t>(rule.top_k, static_cast<int64_t>(list.size()));
    while (end != list.end() && end->logit == std::prev(end)->logit) ++end;
    list.erase(end, list.end());
    if (rule.top_p < 1) {
      double total = 0;
      for (const Candidate& candidate : list) total += candidate.weight;
      keep_mass(list, rule.top_p * total);
    }
  } else if (rule.top_p < 1) {
    const double wanted = rule.top_p * sum(row.sums(1 / rule.temperature));
    for (int64_t count = kFirstGuess;; count *= 8) {
      list = row.at_least(row.reached_by(std::min(count, row.n)), rule.temperature);
      std::sort(list.begin(), list.end(), likelier);
      if (keep_mass(list, wanted) || count >= row.n) break;
    }
  } else {
    const double bound = rule.min_p > 0 ? row.largest + rule.temperature * std::log(rule.min_p) : -INFINITY;
    list = row.at_least(static_cast<float>(bound - 1e-3 * std::abs(bound)), rule.temperature);
    std::sort(list.begin(), list.end(), likelier);
  }
  while (list.size() > 1 && list.back().weight < rule.min_p) list.pop_back();
  return list;
}

// Applies the penalty while it lives and puts the logits back after.
class Penalty {
 public:
  Penalty(float* logits, int64_t n, double penalty, std::span<const int32_t> seen) : logits_(logits) {
    if (penalty == 1) return;
    for (const int32_t id : seen) {
      if (id < 0 || id >= n) continue;
      before_.push_back({id, logits[id]});
      logits[id] = logits[id] < 0 ? logits[id] * static_cast<float>(penalty) : logits[id] / static_cast<float>(penalty);
    }
  }
  ~Penalty() {
    for (auto entry = before_.rbegin(); entry != before_.rend(); ++entry) logits_[entry->first] = entry->second;
  }
  Penalty(const Penalty&) = delete;
  Penalty& operator=(const Penalty&) = delete;
  bool empty() const { return before_.empty(); }

 private:
  float* logits_;
  std::vector<std::pair<int32_t, float>> before_;
};

int32_t most_likely(const Row& row) {
  for (int64_t i = 0; i < row.n; ++i) {
    if (i % kMaximumBlock == 0 && row.maxima[static_cast<std::size_t>(i / kMaximumBlock)] < row.largest) {
      i += kMaximumBlock - 1;
      continue;
    }
    if (row.x[i] == row.largest) return static_cast<int32_t>(i);
  }
  return -1;
}

// The token where the running sum of probabilities passes `uniform`: first among blocks, then within one.
int32_t drawn_from_all(const Row& row, const std::vector<float>& sums, double scale, double uniform) {
  double left = uniform * sum(sums);
  std::size_t block = 0;
  while (block + 1 < sums.size() && left >= sums[block]) left -= sums[block++];
  while (sums[block] <= 0) --block;  // rounding at the very end: stay where there is mass
  const int64_t begin = static_cast<int64_t>(block) * kSumBlock, end = std::min(row.n, begin + kSumBlock);
  int32_t last = -1;
  for (int64_t i = begin; i < end; ++i) {
    const double weight = std::exp((double{row.x[i]} - row.largest) * scale);
    if (weight <= 1e-38) continue;
    last = static_cast<int32_t>(i);
    if (left < weight) break;
    left -= weight;
  }
  return last;
}

int32_t drawn_from(const std::vector<Candidate>& list, double uniform) {
  double total = 0;
  for (const Candidate& candidate : list) total += candidate.weight;
  double left = uniform * total;
  for (const Candidate& candidate : list) {
    if (left < candidate.weight) return candidate.id;
    left -= candidate.weight;
  }
  return list.back().id;
}

int32_t choose(const Row& row, const SamplingRule& rule, double uniform, const std::vector<float>& plain_sums) {
  if (rule.temperature == 0) return most_likely(row);
  if (rule.top_k > 0 || rule.top_p < 1 || rule.min_p > 0) return drawn_from(filtered(row, rule), uniform);
  const double scale = 1 / rule.temperature;
  return drawn_from_all(row, plain_sums.empty() ? row.sums(scale) : plain_sums, scale, uniform);
}

}  // namespace

Draw draw(float* logits, int64_t n, const SamplingRule& rule, std::span<const int32_t> seen, double uniform) {
  if (n == 0) return {};
  const Row row(logits, n);
  const std::vector<float> sums = row.sums(1);
  const double total = sum(sums);
  if (!(total > 0) || !std::isfinite(total)) return {};
  Draw result;
  {
    const Penalty penalty(logits, n, rule.repetition_penalty, seen);
    if (penalty.empty()) {
      result.id = choose(row, rule, uniform, rule.temperature == 1 ? sums : std::vector<float>());
    } else {
      result.id = choose(Row(logits, n), rule, uniform, {});
    }
  }
  result.log_prob = logits[result.id] - row.largest - std::log(total);
  return result;
}

std::vector<Candidate> candidates(float* logits, int64_t n, const SamplingRule& rule, std::span<const int32_t> seen) {
  const Penalty penalty(logits, n, rule.repetition_penalty, seen);
  return filtered(Row(logits, n), rule);
}

double log_sum_exp(const float* logits, int64_t n) {
  const Row row(logits, n);
  const double total = sum(row.sums(1));
  return total > 0 ? row.largest + std::log(total) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace limbeck::kernels
