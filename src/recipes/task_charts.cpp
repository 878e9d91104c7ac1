#include "recipes/task_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>  // std::log10, std::sqrt

#include "recipes/charts.h"
#include "recipes/html.h"

namespace limbeck::recipes {
namespace {

constexpr double kLargestDot = 11;  // radius in pixels

std::string dot_legend(const std::vector<std::pair<std::string, std::string>>& names) {
  std::string html = "<ul class=\"legend\">";
  for (const auto& [name, colour] : names)
    html += fmt::format("<li><span class=\"swatch {}\"></span>{}</li>", colour, escape_html(name));
  return html + "</ul>\n";
}

std::string grid_lines() {
  std::string svg;
  for (const int at : {25, 50, 75})
    svg += fmt::format(
        "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0}%\" y2=\"{0}%\"/>"
        "<line class=\"grid\" x1=\"{0}%\" x2=\"{0}%\" y1=\"0\" y2=\"100%\"/>",
        at);
  return svg;
}

// Places in per cent of the picture, from the lower left.
std::string round_dot(double x, double y, double radius, const std::string& colour, const std::string& title) {
  return fmt::format(
      "<circle class=\"{} dot\" fill-opacity=\"0.8\" cx=\"{:.2f}%\" cy=\"{:.2f}%\" "
      "r=\"{:.1f}\"><title>{}</title></circle>",
      colour, x, 100 - y, radius, escape_html(title));
}

std::string picture(const std::string& title, const std::string& legend_html, const std::string& svg,
                    const std::vector<std::string>& y_axis, const std::vector<std::string>& x_axis) {
  std::string html =
      fmt::format("<figure class=\"chart\">\n<figcaption>{}</figcaption>\n{}<div class=\"plot\"><div class=\"y\">",
                  escape_html(title), legend_html);
  for (const std::string& text : y_axis) html += fmt::format("<span>{}</span>", escape_html(text));
  html += fmt::format("</div><svg role=\"img\">{}</svg><div class=\"x\">", svg);
  for (const std::string& text : x_axis) html += fmt::format("<span>{}</span>", escape_html(text));
  return html + "</div></div>\n</figure>\n";
}

}  // namespace

std::string calibration_chart(const std::vector<CalibrationCurve>& curves) {
  std::string svg =
      grid_lines() + "<line class=\"grid\" x1=\"0\" y1=\"100%\" x2=\"100%\" y2=\"0\" stroke-dasharray=\"4 4\"/>";
  std::vector<std::pair<std::string, std::string>> names;
  for (const CalibrationCurve& curve : curves) {
    names.emplace_back(curve.name, curve.colour);
    double most = 1;
    for (const auto& bin : curve.bins) most = std::max(most, static_cast<double>(bin.count));
    for (const auto& bin : curve.bins)
      if (bin.count > 0)
        svg += round_dot(100 * bin.confidence, 100 * bin.accuracy,
                         2 + (kLargestDot - 2) * std::sqrt(static_cast<double>(bin.count) / most), curve.colour,
                         fmt::format("{}: {} rows, confidence {:.1f} %, accuracy {:.1f} %", curve.name, bin.count,
                                     100 * bin.confidence, 100 * bin.accuracy));
  }
  return picture("Accuracy over confidence", dot_legend(names), svg, {"100 %", "50", "0"},
                 {"0", "confidence", "100 %"});
}

std::string confusion_table(const std::vector<int64_t>& counts, const std::vector<std::string>& labels) {
  const std::size_t n = labels.size();
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr><th>label \\ taken for</th>";
  for (const std::string& label : labels) html += fmt::format("<th>{}</th>", escape_html(label));
  html += "<th>rows</th></tr></thead>\n<tbody>\n";
  for (std::size_t l = 0; l < n; ++l) {
    int64_t rows = 0;
    for (std::size_t p = 0; p < n; ++p) rows += counts[l * n + p];
    html += fmt::format("<tr><th>{}</th>", escape_html(labels[l]));
    for (std::size_t p = 0; p < n; ++p) {
      const double share = rows == 0 ? 0 : static_cast<double>(counts[l * n + p]) / static_cast<double>(rows);
      html += fmt::format(
          "<td style=\"background:color-mix(in srgb, var(--{}) {:.0f}%, transparent)\">{}<small>{:.0f} %</small></td>",
          l == p ? "good" : "bad", 60 * share, counts[l * n + p], 100 * share);
    }
    html += fmt::format("<td>{}</td></tr>\n", rows);
  }
  return html + "</tbody></table></div>\n";
}

std::string confusion_list(const std::vector<int64_t>& counts, const std::vector<std::string>& labels,
                           std::size_t most) {
  const std::size_t n = labels.size();
  std::vector<Bar> list;
  int64_t wrong = 0;
  for (std::size_t l = 0; l < n; ++l)
    for (std::size_t p = 0; p < n; ++p)
      if (l != p && counts[l * n + p] > 0) {
        list.push_back({labels[l] + " → " + labels[p], "c3", counts[l * n + p]});
        wrong += counts[l * n + p];
      }
  std::stable_sort(list.begin(), list.end(), [](const Bar& a, const Bar& b) { return a.count > b.count; });
  if (list.size() > most) list.resize(most);
  return list.empty() ? "" : bars(list, wrong);
}

std::string speed_chart(const std::string& title, const std::vector<SpeedDot>& dots) {
  if (dots.empty()) return "";
  double left = 1e300, right = 0, low = 1e300, high = -1e300, most = 1;
  for (const SpeedDot& dot : dots) {
    left = std::min(left, dot.milliseconds), right = std::max(right, dot.milliseconds);
    low = std::min(low, dot.value), high = std::max(high, dot.value);
    most = std::max(most, static_cast<double>(dot.num_weights));
  }
  left /= 1.5, right *= 1.5;
  const double room = std::max(0.02, 0.25 * (high - low));
  low = std::max(0.0, low - room), high = std::max(low + 0.01, std::min(1.0, high + room));
  std::string svg = grid_lines();
  std::vector<std::pair<std::string, std::string>> names;
  for (const SpeedDot& dot : dots) {
    names.emplace_back(dot.name, dot.colour);
    svg += round_dot(100 * std::log10(dot.milliseconds / left) / std::log10(right / left),
                     100 * (dot.value - low) / (high - low),
                     3 + (kLargestDot - 3) * std::sqrt(static_cast<double>(dot.num_weights) / most), dot.colour,
                     fmt::format("{}: {:.1f} %, {:.2f} ms, {:.1f} M weights", dot.name, 100 * dot.value,
                                 dot.milliseconds, static_cast<double>(dot.num_weights) / 1e6));
  }
  return picture(
      title, dot_legend(names), svg,
      {fmt::format("{:.1f} %", 100 * high), fmt::format("{:.1f}", 50 * (low + high)), fmt::format("{:.1f}", 100 * low)},
      {fmt::format("{:.2g}", left), "milliseconds a row, log scale", fmt::format("{:.2g} ms", right)});
}

}  // namespace limbeck::recipes
