#include "recipes/fine_tune_cot_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "evaluation/bootstrap.h"
#include "recipes/cells.h"
#include "recipes/charts.h"
#include "recipes/html.h"

namespace limbeck::recipes {
namespace {

using CotShare = std::pair<const char*, const std::vector<double> CotRow::*>;
const std::vector<CotShare> kCotShares = {{"accuracy", &CotRow::right},
                                          {"holds the answer", &CotRow::holds_answer},
                                          {"in the format", &CotRow::has_format},
                                          {"complete", &CotRow::complete}};

}  // namespace

void write_cot_results(const CotResult& result, const Run& run) {
  const evaluation::BootstrapOptions bootstrap{.resamples = result.resamples,
                                               .groups = synthesis::group_numbers(result.test)};
  Cells cells = {{"arm", "texts", "steps"}};
  for (const auto& [name, values] : kCotShares) cells[0].push_back(std::string(name) + " %");
  Json json_rows = Json::array();
  std::string html;
  std::vector<DotRow> dots;
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    const CotRow& row = result.rows[r];
    const auto number_or_dash = [](auto number) { return number == 0 ? "-" : std::to_string(number); };
    cells.push_back({row.title, number_or_dash(row.num_texts), number_or_dash(row.num_steps)});
    Json figures = Json::object();
    for (const auto& [name, values] : kCotShares) {
      const auto interval = evaluation::bootstrap_mean(row.*values, bootstrap);
      if (values == &CotRow::right) dots.push_back({row.title, fmt::format("c{}", r % 9), interval});
      cells.back().push_back(
          fmt::format("{:.1f} ({:.1f} to {:.1f})", 100 * interval.value, 100 * interval.low, 100 * interval.high));
      figures[name] = {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
    }
    json_rows.push_back({{"arm", row.name},
                         {"title", row.title},
                         {"num_texts", row.num_texts},
                         {"num_steps", row.num_steps},
                         {"figures", figures}});
  }
  const std::string caption =
      fmt::format("{} test problems, greedy; {} training questions, {} held out; 95 % bootstrap intervals.",
                  result.test.size(), result.num_train, result.num_dev);
  for (std::size_t p = 0; p < std::min<std::size_t>(result.test.size(), 8); ++p) {
    std::string texts;
    for (const auto& row : result.rows)
      texts += fmt::format("{}: {}\n{}\n\n", row.title, row.right[p] == 1 ? "right" : "wrong", row.written[p]);
    html += html_folded(fmt::format("{} → {}", result.test[p].question, result.test[p].answer_text), texts);
  }
  write_json(run.path("table.json"), {{"method", "fine-tune-cot"},
                                      {"seed", result.seed},
                                      {"rows", json_rows},
                                      {"num_test_problems", result.test.size()}});
  write_file_atomically(run.path("table.md"), cells_markdown(cells) + "\n" + caption + "\n");
  const std::string head = fmt::format(
      "<header>\n<p class=\"brand\">Limbeck · fine-tune-cot</p>\n<h1>Fine-tune-CoT</h1>\n<p class=\"lead\">{}</p>\n"
      "</header>\n",
      escape_html(caption));
  write_file_atomically(run.path("report.html"),
                        html_page("Limbeck: Fine-tune-CoT",
                                  head +
                                      html_section("The arms", "Accuracy; whiskers are 95 % bootstrap intervals.",
                                                   dots_with_whiskers("accuracy", dots)) +
                                      html_section("The same in figures", "", html_folded("table", cells_text(cells))) +
                                      html_section("Texts side by side", "The first test problems.", html)));
  fmt::print("\n{}\n{}\nreport: {}\n", cells_text(cells), caption, run.path("report.html").string());
  std::fflush(stdout);
}

}  // namespace limbeck::recipes
