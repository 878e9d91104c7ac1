#include <algorithm>
#include <numeric>

#include "base/fields.h"

namespace limbeck {
namespace {

// Optimal string alignment: insert, delete, replace, swap of neighbours, each costs 1.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string_view last_part(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 100;  // no option is so long; keeps a hostile name from costing time
  if (name.empty() || name.size() > kLongest) return "";
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, std::min<std::size_t>(3, name.size() / 3)) + 1;
  for (const auto& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < name.size()) best = candidate, best_distance = distance;
  }
  if (!best.empty()) return best;
  // "epochs" or "train.epoch" for "teacher.train.epochs": the right name in the wrong group.
  best_distance = 2;
  for (const auto& candidate : known) {
    const std::size_t distance = edit_distance(last_part(name), last_part(candidate));
    if (distance < best_distance && distance < last_part(name).size()) best = candidate, best_distance = distance;
  }
  return best;
}

}  // namespace limbeck
