#include "recipes/ekt_table.h"

#include <algorithm>
#include <map>
#include <set>

#include "evaluation/programs.h"
#include "recipes/cells.h"

namespace limbeck::recipes {
namespace {

using evaluation::Interval;

Json interval_json(const Interval& interval) {
  return {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

// Header and rows of the arm table as texts.
Cells cells_of(const EktResult& result) {
  Cells cells = {{"arm", "trained on"}};
  for (const auto& [name, interval] : result.rows.front().solved.figures) cells[0].push_back(name + " %");
  cells[0].push_back("NLL of verified programs");
  cells[0].push_back("lines");
  for (const auto& row : result.rows) {
    cells.push_back({row.title, row.pairs.empty() ? "-" : std::to_string(row.pairs.size())});
    for (const auto& [name, interval] : row.solved.figures) cells.back().push_back(percent(interval));
    cells.back().push_back(row.nll ? two_decimals(*row.nll) : "-");
    cells.back().push_back(fmt::format("{:.1f}", row.solved.mean_lines));
  }
  return cells;
}

std::string caption(const EktContext& context) {
  return fmt::format("{} test problems, {} samples each at temperature {}; 95 % bootstrap intervals over {}.",
                     context.test.size(), context.options.eval.num_samples, context.options.eval.temperature,
                     drawn_anew(context));
}

std::string title_of(const EktResult& result, const std::string& arm) {
  for (const auto& row : result.rows)
    if (row.name == arm) return row.title;
  return arm;
}

std::string sentence(const EktResult& result, const ArmComparison& c) {
  return fmt::format("{} less {}, {}: {:+.1f} points ({:+.1f} to {:+.1f}), p-value {}, paired.",
                     title_of(result, c.arm), title_of(result, c.against), c.figure,
                     100 * c.comparison.difference.value, 100 * c.comparison.difference.low,
                     100 * c.comparison.difference.high, p_value_text(c.comparison.p_value));
}

}  // namespace

std::vector<std::string> notes_of(const EktResult& result) {
  std::vector<std::string> notes;
  for (const auto& row : result.rows)
    if (!row.note.empty()) notes.push_back(fmt::format("{}: {}.", row.title, row.note));
  return notes;
}

std::string drawn_anew(const EktContext& context) {
  const auto numbers = synthesis::group_numbers(context.test);
  const auto num_groups = numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end()) + 1;
  return num_groups == static_cast<int64_t>(numbers.size()) ? "the problems"
                                                            : fmt::format("the {} groups of like problems", num_groups);
}

std::string p_value_text(double p) {
  return p < 0.001 ? "below 0.001" : fmt::format("{:.3f}", p);
}

Funnel funnel_of(const EktContext& context) {
  Funnel funnel;
  funnel.num_dropped = static_cast<int64_t>(context.dropped.size());
  funnel.num_dev = static_cast<int64_t>(context.dev.size());
  funnel.num_sampled = static_cast<int64_t>(context.train.size());
  funnel.num_problems = funnel.num_dropped + funnel.num_dev + funnel.num_sampled;
  std::map<std::string, int64_t> reasons;
  std::set<std::string> solved;
  int64_t lines = 0;
  for (const auto& sample : context.samples) {
    ++funnel.num_samples;
    if (evaluation::executable(sample.verdict)) ++funnel.num_executable;
    if (sample.passed()) ++funnel.num_passed, solved.insert(sample.id);
    if (sample.kept)
      ++funnel.num_kept, lines += evaluation::num_lines(sample.program);
    else
      ++reasons[sample.reason];
  }
  funnel.num_solved = static_cast<int64_t>(solved.size());
  funnel.mean_lines_kept = static_cast<double>(lines) / static_cast<double>(std::max<int64_t>(1, funnel.num_kept));
  funnel.reasons.assign(reasons.begin(), reasons.end());
  std::stable_sort(funnel.reasons.begin(), funnel.reasons.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return funnel;
}

std::vector<ArmComparison> compare_arms(const std::vector<ArmResult>& rows, const EktContext& context) {
  const auto ekt = std::find_if(rows.begin(), rows.end(), [](const ArmResult& row) { return row.name == "ekt"; });
  std::vector<ArmComparison> comparisons;
  if (ekt == rows.end()) return comparisons;
  const evaluation::BootstrapOptions bootstrap{.resamples = context.options.eval.resamples,
                                               .groups = synthesis::group_numbers(context.test)};
  for (const auto& row : rows) {
    if (row.name == "ekt" || row.name == "teacher") continue;
    for (const int64_t k : context.options.eval.ks)
      comparisons.push_back({"ekt", row.name, fmt::format("pass@{}", k),
                             evaluation::compare_paired(evaluation::pass_at_k_each(ekt->solved.tallies, k),
                                                        evaluation::pass_at_k_each(row.solved.tallies, k), bootstrap)});
  }
  return comparisons;
}

std::string percent(double share) {
  return fmt::format("{:.1f}", 100 * share);
}
std::string percent(const Interval& i) {
  return fmt::format("{} ({} to {})", percent(i.value), percent(i.low), percent(i.high));
}
std::string two_decimals(const Interval& i) {
  return fmt::format("{:.2f} ({:.2f} to {:.2f})", i.value, i.low, i.high);
}

Json table_json(const EktResult& result, const EktContext& context) {
  Json rows = Json::array(), comparisons = Json::array(), reasons = Json::object();
  for (const auto& row : result.rows) {
    Json figures = Json::object();
    for (const auto& [name, interval] : row.solved.figures) figures[name] = interval_json(interval);
    rows.push_back({{"arm", row.name},
                    {"title", row.title},
                    {"num_pairs", row.pairs.size()},
                    {"figures", figures},
                    {"nll", row.nll ? interval_json(*row.nll) : Json()},
                    {"mean_lines", row.solved.mean_lines},
                    {"note", row.note}});
  }
  for (const auto& c : result.comparisons)
    comparisons.push_back({{"arm", c.arm},
                           {"against", c.against},
                           {"figure", c.figure},
                           {"difference", interval_json(c.comparison.difference)},
                           {"p_value", c.comparison.p_value}});
  for (const auto& [reason, count] : result.funnel.reasons) reasons[reason] = count;
  const Funnel& f = result.funnel;
  return {{"method", "ekt"},
          {"seed", context.options.seed},
          {"num_test_problems", context.test.size()},
          {"num_samples", context.options.eval.num_samples},
          {"num_reference_programs", context.references.size()},
          {"rows", rows},
          {"comparisons", comparisons},
          {"funnel",
           {{"problems", f.num_problems},
            {"overlap_test", f.num_dropped},
            {"dev", f.num_dev},
            {"sampled", f.num_sampled},
            {"samples", f.num_samples},
            {"executable", f.num_executable},
            {"passed", f.num_passed},
            {"kept", f.num_kept},
            {"solved", f.num_solved},
            {"mean_lines_kept", f.mean_lines_kept},
            {"not_kept", reasons}}}};
}

std::string table_markdown(const EktResult& result, const EktContext& context) {
  std::string text = cells_markdown(cells_of(result)) + "\n" + caption(context) + "\n";
  std::vector<std::string> items;
  for (const auto& c : result.comparisons) items.push_back(sentence(result, c));
  for (const auto& note : notes_of(result)) items.push_back(note);
  for (const auto& item : items) text += "\n- " + item;
  return text + (items.empty() ? "" : "\n");
}

std::string table_text(const EktResult& result, const EktContext& context) {
  std::string text = cells_text(cells_of(result)) + "\n" + caption(context) + "\n";
  for (const auto& c : result.comparisons) text += sentence(result, c) + "\n";
  for (const auto& note : notes_of(result)) text += note + "\n";
  return text;
}

}  // namespace limbeck::recipes
