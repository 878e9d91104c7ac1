// Charts as inline SVG and HTML that stretch with the page: dots with whiskers, curves, bars. A colour is a class of
// the style sheet ("c3").
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/bootstrap.h"

namespace limbeck::recipes {

struct DotRow {
  std::string name, colour;
  evaluation::Interval interval;  // shares, drawn as per cent
};
// One figure of several arms over one scale from 0.
std::string dots_with_whiskers(const std::string& title, const std::vector<DotRow>& rows);

struct Curve {
  std::string name, colour;
  std::vector<std::pair<double, double>> points;  // x ascending
};
struct LineChart {
  std::string title, x_name;
  bool smooth = false;     // draws a running mean strong and the points themselves faint
  bool log_scale = false;  // of y, between powers of ten that hold the points above 0; otherwise from 0
};
std::string line_chart(const LineChart& chart, std::vector<Curve> curves);

struct Bar {
  std::string name, colour;
  int64_t count = 0;
};
// Lengths are shares of `whole`, which are written beside the counts.
std::string bars(const std::vector<Bar>& list, int64_t whole);

// The end of an axis that starts at 0 and holds `largest`: 1, 2 or 5 times a power of ten.
double round_up_nicely(double largest);

}  // namespace limbeck::recipes
