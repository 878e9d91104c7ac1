#include "evaluation/ranking.h"

#include <algorithm>
#include <functional>

namespace limbeck::evaluation {
namespace {

// Runs of equal score, best first: how many stand before, how many relevant ones, and how many of each are in it.
struct Tied {
  double before = 0, relevant_before = 0, num = 0, relevant = 0;
};

std::vector<Tied> tied_runs(std::vector<Ranked>& answers) {
  std::sort(answers.begin(), answers.end(), [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
  std::vector<Tied> runs;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i == 0 || answers[i].score != answers[i - 1].score) {
      const Tied last = runs.empty() ? Tied{} : runs.back();
      runs.push_back({.before = last.before + last.num, .relevant_before = last.relevant_before + last.relevant});
    }
    ++runs.back().num;
    runs.back().relevant += answers[i].relevant;
  }
  return runs;
}

}  // namespace

std::optional<double> average_precision(std::vector<Ranked> answers) {
  double sum = 0, relevant = 0;
  for (const Tied& run : tied_runs(answers)) {
    for (double i = 1; i <= run.num; ++i) {
      // Of the i-1 others before the i-th of a run, where that one is relevant.
      const double beside = run.num > 1 ? (i - 1) * (run.relevant - 1) / (run.num - 1) : 0;
      sum += run.relevant / run.num * (run.relevant_before + beside + 1) / (run.before + i);
    }
    relevant += run.relevant;
  }
  if (relevant == 0) return std::nullopt;
  return sum / relevant;
}

std::optional<double> reciprocal_rank(std::vector<Ranked> answers) {
  for (const Tied& run : tied_runs(answers)) {
    if (run.relevant == 0) continue;
    double mean = 0, none_yet = 1;
    for (double i = 1; i <= run.num - run.relevant + 1; ++i) {
      const double now = run.relevant / (run.num - i + 1);
      mean += none_yet * now / (run.before + i);
      none_yet *= 1 - now;
    }
    return mean;
  }
  return std::nullopt;
}

}  // namespace limbeck::evaluation
