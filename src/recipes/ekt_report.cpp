#include "recipes/ekt_report.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <sstream>

#include "base/files.h"
#include "base/json.h"
#include "recipes/charts.h"
#include "recipes/html.h"
#include "recipes/time_shares.h"
#include "synthesis/prompts.h"

namespace limbeck::recipes {
namespace {

constexpr std::size_t kProblemsShown = 12;

// An arm has the same colour in every report, whichever arms stand beside it.
std::string colour_of(const ArmResult& row) {
  const auto& arms = ekt_arms();
  const auto arm = std::find_if(arms.begin(), arms.end(), [&](const Arm& a) { return a.name == row.name; });
  return arm == arms.end() ? "c0" : fmt::format("c{}", 1 + (arm - arms.begin()) % 8);
}

const ArmResult* row_named(const EktResult& result, std::string_view name) {
  for (const auto& row : result.rows)
    if (row.name == name) return &row;
  return nullptr;
}

const evaluation::Interval* figure_of(const ArmResult& row, std::string_view name) {
  for (const auto& [figure, interval] : row.solved.figures)
    if (figure == name) return &interval;
  return nullptr;
}

std::string readable(std::string reason) {
  std::replace(reason.begin(), reason.end(), '_', ' ');
  return reason;
}

// "On 152 unseen problems the EKT student solves 21.3 % at the first try (…); …"
std::string lead(const EktResult& result, const EktContext& context) {
  const std::string figure =
      fmt::format("pass@{}", context.options.eval.ks.empty() ? 1 : context.options.eval.ks.front());
  const auto part = [&](const char* name, const char* what) -> std::string {
    const ArmResult* row = row_named(result, name);
    const auto* interval = row == nullptr ? nullptr : figure_of(*row, figure);
    return interval == nullptr ? "" : fmt::format("{} {} %", what, percent(*interval));
  };
  std::string text = fmt::format("{} on {} unseen problems: ", figure, context.test.size());
  bool first = true;
  for (const std::string& clause :
       {part("ekt", "the student trained on verified programs"), part("unfiltered", "on programs that nobody ran"),
        part("few_shot", "not trained but prompted"), part("teacher", "the teacher")}) {
    if (clause.empty()) continue;
    text += (first ? "" : "; ") + clause;
    first = false;
  }
  return text + ".";
}

// A slice that was not trained cannot write at all, which says nothing about the method.
std::string about_the_slice(const EktResult& result, const EktContext& context) {
  if (context.options.student_layers == 0 || row_named(result, "few_shot") == nullptr) return "";
  return fmt::format(
      " The student is {} layers taken out of a model: without training it writes no text of use, so the difference to "
      "the few-shot student is what any training repairs; the unfiltered student is the one to compare with.",
      context.options.student_layers);
}

std::string facts(const EktResult& result, const EktContext& context) {
  const EktOptions& o = context.options;
  const auto file_name = [](const std::string& path) { return std::filesystem::path(path).filename().string(); };
  const std::string student = (o.student.empty() ? "slice of the teacher" : file_name(o.student)) +
                              (o.student_layers > 0 ? fmt::format(", {} layers", o.student_layers) : "");
  const std::vector<std::pair<std::string, std::string>> list = {
      {"Teacher", file_name(o.teacher)},
      {"Student", student},
      {"Training questions", fmt::format("{} sampled, {} solved", result.funnel.num_sampled, result.funnel.num_solved)},
      {"Samples", fmt::format("{} a question at temperature {}", o.k, o.sampling.temperature)},
      {"Training pairs", std::to_string(result.funnel.num_kept)},
      {"Test problems", std::to_string(context.test.size())},
      {"Training", fmt::format("{}, batch {}, rate {}",
                               o.train.max_steps > 0 ? fmt::format("{} steps", o.train.max_steps)
                                                     : fmt::format("{} epochs", o.train.epochs),
                               o.train.batch_size, o.train.learning_rate)},
      {"Seed", std::to_string(o.seed)}};
  std::string html = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : list)
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(name), escape_html(value));
  return html + "</dl>\n";
}

std::string arms_chart(const EktResult& result) {
  std::string html;
  for (const auto& [figure, unused] : result.rows.front().solved.figures) {
    std::vector<DotRow> rows;
    for (std::size_t r = 0; r < result.rows.size(); ++r)
      rows.push_back({result.rows[r].title, colour_of(result.rows[r]), *figure_of(result.rows[r], figure)});
    html += dots_with_whiskers(figure, rows);
  }
  return html;
}

std::string cell(const std::string& with_interval) {  // "18.2 (14.0 to 22.9)"
  const auto space = with_interval.find(' ');
  return fmt::format("<td>{}<small>{}</small></td>", with_interval.substr(0, space),
                     space == std::string::npos ? "" : with_interval.substr(space + 1));
}

std::string arms_table(const EktResult& result) {
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr><th>Arm</th><th>Pairs</th>";
  for (const auto& [name, interval] : result.rows.front().solved.figures)
    html += fmt::format("<th>{} %</th>", escape_html(name));
  html += "<th>NLL of verified<br>programs, nats a token</th><th>Mean lines</th></tr></thead>\n<tbody>\n";
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    const ArmResult& row = result.rows[r];
    html += fmt::format("<tr><th><span class=\"swatch {}\"></span>{}</th><td>{}</td>", colour_of(result.rows[r]),
                        escape_html(row.title), row.pairs.empty() ? "–" : std::to_string(row.pairs.size()));
    for (const auto& [name, interval] : row.solved.figures) html += cell(percent(interval));
    html += row.nll ? cell(two_decimals(*row.nll)) : "<td>–</td>";
    html += fmt::format("<td>{:.1f}</td></tr>\n", row.solved.mean_lines);
  }
  html += "</tbody></table></div>\n";
  for (const auto& note : notes_of(result)) html += fmt::format("<p class=\"note\">{}</p>\n", escape_html(note));
  if (result.comparisons.empty()) return html;
  html +=
      "<h3>EKT less each other arm, paired over the problems</h3>\n<div "
      "class=\"scroll\"><table>\n<thead><tr><th>Against</th><th>Figure</th>"
      "<th>Difference, points</th><th>p-value</th></tr></thead>\n<tbody>\n";
  for (const auto& c : result.comparisons) {
    const auto& d = c.comparison.difference;
    html +=
        fmt::format("<tr><th>{}</th><td>{}</td><td>{:+.1f}<small>({:+.1f} to {:+.1f})</small></td><td>{}</td></tr>\n",
                    escape_html(row_named(result, c.against)->title), escape_html(c.figure), 100 * d.value, 100 * d.low,
                    100 * d.high, p_value_text(c.comparison.p_value));
  }
  return html + "</tbody></table></div>\n";
}

// Points of a training log: the last row of each step counts, since a resumed run writes some again.
std::vector<std::pair<double, double>> points_of(const std::filesystem::path& log, const char* kind, const char* key) {
  std::map<double, double> points;
  if (!std::filesystem::exists(log)) return {};
  read_jsonl(log, [&](const Json& row, int64_t) {
    if (row.value("kind", "") == kind && row.contains(key) && row.at(key).is_number())
      points[row.value("step", 0.0)] = row.at(key).get<double>();
  });
  return {points.begin(), points.end()};
}

std::string curves(const EktResult& result) {
  std::vector<Curve> losses, metrics;
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    const ArmResult& row = result.rows[r];
    const auto log = row.folder / "log.jsonl";
    if (auto points = points_of(log, "step", "loss"); !points.empty())
      losses.push_back({row.title, colour_of(result.rows[r]), std::move(points)});
    if (auto points = points_of(log, "evaluation", "metric"); !points.empty())
      metrics.push_back({row.title, colour_of(result.rows[r]), std::move(points)});
  }
  std::string html;
  if (!losses.empty())
    html += line_chart(
        {.title = "Training loss, nats a token, log scale", .x_name = "step", .smooth = true, .log_scale = true},
        losses);
  if (!metrics.empty())
    html += line_chart({.title = "Share of the held-out problems solved greedily", .x_name = "step"}, metrics);
  return html;
}

std::string funnel_html(const EktResult& result, const EktContext& context) {
  const Funnel& f = result.funnel;
  std::string html = bars({{"samples of the teacher", "c0", f.num_samples},
                           {"ran and gave a number", "c2", f.num_executable},
                           {"gave the right answer", "c4", f.num_passed},
                           {"kept for training", "c3", f.num_kept}},
                          f.num_samples);
  std::vector<Bar> reasons;
  for (const auto& [reason, count] : f.reasons) reasons.push_back({readable(reason), "c0", count});
  if (!reasons.empty()) html += "<h3>Why samples were not kept</h3>\n" + bars(reasons, f.num_samples);
  html += fmt::format(
      "<p class=\"note\" style=\"margin-top:1rem\">{} questions: {} left out because they overlap the test set, {} "
      "held out, {} sampled, {} of "
      "them solved. A kept program has {:.1f} lines on average; many more than the worked examples have would hint at "
      "programs that hit the "
      "answer by chance.</p>\n",
      f.num_problems, f.num_dropped, f.num_dev, f.num_sampled, f.num_solved, f.mean_lines_kept);
  if (!context.dropped.empty()) {
    std::string list;
    for (const auto& problem : context.dropped) list += problem.id + ": " + problem.reason + "\n";
    html += html_folded("Questions left out", list);
  }
  return html;
}

std::string number(double value) {
  return fmt::format("{:.10g}", value);
}

// One arm's program for a test problem: the greedy one, or the first sample.
std::string program_html(const ArmResult& row, std::size_t problem, const EktContext& context) {
  const bool greedy = !row.solved.greedy.empty();
  const auto& sample = greedy
                           ? row.solved.greedy[problem]
                           : row.solved.samples[problem * static_cast<std::size_t>(context.options.eval.num_samples)];
  std::string verdict = readable(sandbox::name_of(sample.verdict.outcome));
  if (!sample.passed() && sample.verdict.answer)
    verdict += ": " + number(*sample.verdict.answer);
  else if (!sample.passed() && !sample.verdict.detail.empty())
    verdict += ": " + sample.verdict.detail.substr(0, sample.verdict.detail.find(':'));
  return fmt::format(
      "<div><div class=\"who\"><span><span class=\"swatch {}\"></span>{}</span><span class=\"verdict "
      "{}\">{}</span></div><pre>{}</pre></div>\n",
      colour_of(row), escape_html(row.title), sample.passed() ? "right" : "wrong", escape_html(verdict),
      escape_html(sample.program.empty() ? "(nothing)" : sample.program));
}

std::string side_by_side(const EktResult& result, const EktContext& context) {
  std::vector<std::size_t> order(context.test.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(context.run.seed().derive("report"));
  random.shuffle(order);
  order.resize(std::min(order.size(), kProblemsShown));
  std::sort(order.begin(), order.end());
  std::string html;
  for (const std::size_t p : order) {
    html += fmt::format("<article class=\"problem\"><p>{} <b>→ {}</b></p><div class=\"answers\">\n",
                        escape_html(context.test[p].question), number(context.test[p].answer));
    for (std::size_t r = 0; r < result.rows.size(); ++r) html += program_html(result.rows[r], p, context);
    html += "</div></article>\n";
  }
  return html;
}

// Outcomes of all programs that were run, and the exceptions behind them.
struct VerdictRow {
  std::string name;
  std::map<std::string, int64_t> outcomes;
  int64_t num_programs = 0;
};

std::string verdict_table(const EktResult& result, const EktContext& context) {
  std::map<std::string, int64_t> totals, exceptions;
  std::vector<VerdictRow> rows;
  const auto add = [&](const std::string& name, const std::vector<synthesis::JudgedSample>& samples) {
    VerdictRow row{.name = name, .num_programs = static_cast<int64_t>(samples.size())};
    for (const auto& sample : samples) {
      const std::string outcome = sandbox::name_of(sample.verdict.outcome);
      ++row.outcomes[outcome], ++totals[outcome];
      if (sample.verdict.outcome == sandbox::Outcome::kException)
        ++exceptions[sample.verdict.detail.substr(0, sample.verdict.detail.find(':'))];
    }
    rows.push_back(std::move(row));
  };
  add("Teacher, training questions", context.samples);
  for (const auto& row : result.rows) add(row.title + ", test", row.solved.samples);
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr><th>Programs of</th><th>run</th>";
  for (const auto& [outcome, count] : totals) html += fmt::format("<th>{}</th>", escape_html(readable(outcome)));
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows) {
    html += fmt::format("<tr><th>{}</th><td>{}</td>", escape_html(row.name), row.num_programs);
    for (const auto& [outcome, unused] : totals)
      html += fmt::format("<td>{}</td>", row.outcomes.contains(outcome) ? row.outcomes.at(outcome) : 0);
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
  std::vector<Bar> list;
  int64_t all = 0;
  for (const auto& [name, count] : exceptions)
    list.push_back({name.empty() ? "unnamed" : name, "c0", count}), all += count;
  std::stable_sort(list.begin(), list.end(), [](const Bar& a, const Bar& b) { return a.count > b.count; });
  if (list.size() > 8) list.resize(8);
  return list.empty() ? html : html + "<h3>Exceptions</h3>\n" + bars(list, all);
}

std::string read_if_there(const std::filesystem::path& path) {
  return std::filesystem::exists(path) ? read_file(path) : "";
}

}  // namespace

std::string ekt_report(const EktResult& result, const EktContext& context) {
  std::string what = "What stands beside EKT: ";
  for (const auto& arm : ekt_arms())
    if (row_named(result, arm.name) != nullptr)
      what += fmt::format("{}{}: {}", what.ends_with(": ") ? "" : "; ", arm.title, arm.what);
  const auto& solving = context.options.eval;
  std::string body = fmt::format(
      "<header>\n<p class=\"brand\">Limbeck · ekt</p>\n<h1>Explicit Knowledge Transfer</h1>\n<p "
      "class=\"lead\">{}</p>\n{}</header>\n",
      escape_html(lead(result, context)), facts(result, context));
  body += html_section(
      "The arms",
      fmt::format(
          "{}. {} programs a problem at temperature {}; whiskers are 95 % bootstrap intervals over {}. pass@k: the "
          "chance "
          "that one of k programs is right; accuracy: of the greedy program; executable: ran and gave a number.{}",
          what, solving.num_samples, solving.temperature, drawn_anew(context), about_the_slice(result, context)),
      arms_chart(result));
  body += html_section("The same in figures",
                       fmt::format("Negative log-likelihood is of {} programs that were written for test problems and "
                                   "that gave the right answer; lower is better.",
                                   context.references.size()),
                       arms_table(result));
  body += html_section("From samples to training text",
                       "The teacher wrote programs for the training questions; each was run in the sandbox and its "
                       "answer compared with the known one.",
                       funnel_html(result, context));
  if (const std::string html = curves(result); !html.empty())
    body += html_section("Training", "Strong lines are running means.", html);
  body += html_section(
      "Programs side by side",
      fmt::format("{} test problems drawn at random, the {} program of each arm.",
                  std::min(kProblemsShown, context.test.size()), solving.greedy ? "greedy" : "first sampled"),
      side_by_side(result, context));
  body += html_section("What the sandbox said",
                       "Every program ran isolated: no network, no files but its own, limits on time and memory.",
                       verdict_table(result, context));
  if (const std::string html = time_shares_html(context.run.path("log.jsonl")); !html.empty())
    body +=
        html_section("Where the time went",
                     "Wall-clock seconds of each part, inner parts within the outer ones; a trace of a run comes with "
                     "--profile=FILE.json.",
                     html);
  body += html_section(
      "How it was run", "The same options, inputs and program version give the same weights, samples and table.",
      html_folded("Worked examples in the prompt", synthesis::few_shot_prompt(context.examples, "(the question)")) +
          html_folded("options.toml", read_if_there(context.run.path("options.toml"))) +
          html_folded("manifest.json", read_if_there(context.run.path("manifest.json"))));
  body += fmt::format(
      "<footer>Limbeck {} · Azerbayev, Ni, Schoelkopf, Radev: Explicit Knowledge Transfer for Weakly-Supervised Code "
      "Generation, arXiv:2211.16740</footer>\n",
      LIMBECK_VERSION);
  return html_page("Limbeck: Explicit Knowledge Transfer", body);
}

}  // namespace limbeck::recipes
