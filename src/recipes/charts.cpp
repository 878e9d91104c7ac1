#include "recipes/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>  // std::pow, std::floor
#include <limits>

#include "recipes/html.h"

namespace limbeck::recipes {
namespace {

std::string legend(const std::vector<Curve>& curves) {
  std::string html = "<ul class=\"legend\">";
  for (const auto& curve : curves)
    html += fmt::format("<li><span class=\"swatch {}\"></span>{}</li>", curve.colour, escape_html(curve.name));
  return html + "</ul>\n";
}

struct Frame {
  double left = 0, right = 1, low = 0, high = 1;  // low and high in powers of ten on a log scale
};

Frame frame_of(const std::vector<Curve>& curves, bool log_scale) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  Frame frame{kFar, -kFar, log_scale ? kFar : 0, log_scale ? -kFar : 0};
  for (const auto& curve : curves)
    for (const auto& [x, y] : curve.points) {
      frame.left = std::min(frame.left, x), frame.right = std::max(frame.right, x);
      frame.low = std::min(frame.low, y), frame.high = std::max(frame.high, y);
    }
  if (log_scale) {
    frame.low = std::floor(frame.low), frame.high = std::max(std::ceil(frame.high), frame.low + 1);
  } else {
    frame.low = 0, frame.high = round_up_nicely(frame.high);
  }
  if (frame.right <= frame.left) frame.left -= 1, frame.right = frame.left + 2;
  return frame;
}

std::string polyline(const std::vector<std::pair<double, double>>& points, const Frame& frame, const char* more) {
  std::string list;
  for (const auto& [x, y] : points)
    list += fmt::format("{:.2f},{:.2f} ", 100 * (x - frame.left) / (frame.right - frame.left),
                        100 - 100 * (y - frame.low) / (frame.high - frame.low));
  return fmt::format("<polyline class=\"curve{}\" points=\"{}\"/>", more, list);
}

std::vector<std::pair<double, double>> running_mean(const std::vector<std::pair<double, double>>& points) {
  const std::size_t half = std::max<std::size_t>(1, points.size() / 40);
  std::vector<std::pair<double, double>> result;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t reach = std::min({half, i, points.size() - 1 - i});  // symmetric, so the ends stay where they are
    double sum = 0;
    for (std::size_t j = i - reach; j <= i + reach; ++j) sum += points[j].second;
    result.emplace_back(points[i].first, sum / static_cast<double>(2 * reach + 1));
  }
  return result;
}

}  // namespace

double round_up_nicely(double largest) {
  if (!(largest > 0) || !std::isfinite(largest)) return 1;
  const double power = std::pow(10, std::floor(std::log10(largest)));
  for (const double step : {1.0, 2.0, 5.0})
    if (largest <= step * power * (1 + 1e-12)) return step * power;
  return 10 * power;
}

std::string dots_with_whiskers(const std::string& title, const std::vector<DotRow>& rows) {
  double highest = 0;
  for (const auto& row : rows) highest = std::max(highest, row.interval.high);
  const double scale = std::min(1.0, round_up_nicely(highest));
  std::string html = fmt::format("<div class=\"forest\">\n<h3>{}</h3>\n", escape_html(title));
  for (const auto& row : rows) {
    const auto x = [&](double share) { return fmt::format("{:.2f}%", 100 * share / scale); };
    std::string svg = "<svg aria-hidden=\"true\">";
    for (const double line : {0.0, 0.25, 0.5, 0.75, 1.0})
      svg += fmt::format("<line class=\"grid\" x1=\"{0}%\" x2=\"{0}%\" y1=\"0\" y2=\"100%\"/>", 100 * line);
    svg += fmt::format(
        "<line class=\"whisker\" x1=\"{}\" x2=\"{}\" y1=\"50%\" y2=\"50%\"/><circle class=\"dot\" cx=\"{}\" cy=\"50%\" "
        "r=\"5\"/></svg>",
        x(row.interval.low), x(row.interval.high), x(row.interval.value));
    html += fmt::format(
        "<div class=\"row\"><div class=\"name\"><span class=\"swatch {0}\"></span>{1}</div><div class=\"plot-cell "
        "{0}\">{2}</div>"
        "<div class=\"figure\" title=\"95 % interval {4:.1f} to {5:.1f} %\">{3:.1f}&nbsp;%</div></div>\n",
        row.colour, escape_html(row.name), svg, 100 * row.interval.value, 100 * row.interval.low,
        100 * row.interval.high);
  }
  std::string axis = "<svg aria-hidden=\"true\" style=\"height:16px\">";
  for (const auto& [place, anchor] : {std::pair{0.0, "start"}, {0.5, "middle"}, {1.0, "end"}})
    axis += fmt::format("<text class=\"axis\" x=\"{}%\" y=\"11\" text-anchor=\"{}\">{:.3g}{}</text>", 100 * place,
                        anchor, 100 * scale * place, place == 1.0 ? " %" : "");
  return html + "<div class=\"row\"><div class=\"plot-cell\">" + axis + "</svg></div></div>\n</div>\n";
}

std::string line_chart(const LineChart& chart, std::vector<Curve> curves) {
  if (chart.log_scale)
    for (auto& curve : curves) {
      std::erase_if(curve.points, [](const auto& point) { return !(point.second > 0); });
      for (auto& [x, y] : curve.points) y = std::log10(y);
    }
  std::erase_if(curves, [](const Curve& curve) { return curve.points.empty(); });
  if (curves.empty()) return "";
  const Frame frame = frame_of(curves, chart.log_scale);
  const auto label = [&](double height) {  // at this share of the axis
    const double y = frame.low + height * (frame.high - frame.low);
    return fmt::format("{:.3g}", chart.log_scale ? std::pow(10, y) : y);
  };
  std::string svg = "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" role=\"img\">";
  for (const int y : {25, 50, 75})
    svg += fmt::format(
        "<line class=\"grid\" x1=\"0\" x2=\"100\" y1=\"{0}\" y2=\"{0}\" vector-effect=\"non-scaling-stroke\"/>", y);
  for (const auto& curve : curves) {
    svg += fmt::format("<g class=\"{}\">", curve.colour);
    if (chart.smooth) svg += polyline(curve.points, frame, " faint");
    svg += polyline(chart.smooth ? running_mean(curve.points) : curve.points, frame, "") + "</g>";
  }
  return fmt::format(
      "<figure class=\"chart\">\n<figcaption>{}</figcaption>\n{}<div class=\"plot\"><div "
      "class=\"y\"><span>{}</span><span>{}</span>"
      "<span>{}</span></div>{}</svg><div "
      "class=\"x\"><span>{:.0f}</span><span>{}</span><span>{:.0f}</span></div></div>\n</figure>\n",
      escape_html(chart.title), legend(curves), label(1), label(0.5), label(0), svg, frame.left,
      escape_html(chart.x_name), frame.right);
}

std::string bars(const std::vector<Bar>& list, int64_t whole) {
  std::string html = "<div class=\"bars\">\n";
  for (const auto& bar : list) {
    const double share = whole > 0 ? 100.0 * static_cast<double>(bar.count) / static_cast<double>(whole) : 0;
    html += fmt::format(
        "<div class=\"row\"><div class=\"name\">{}</div><div class=\"plot-cell {}\"><svg aria-hidden=\"true\"><rect "
        "width=\"{:.2f}%\" height=\"100%\"/></svg></div><div class=\"figure\">{} "
        "<small>{:.1f}&nbsp;%</small></div></div>\n",
        escape_html(bar.name), bar.colour, share, bar.count, share);
  }
  return html + "</div>\n";
}

}  // namespace limbeck::recipes
