// The table and the page of a Fine-tune-CoT run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/run.h"
#include "synthesis/problems.h"

namespace limbeck::recipes {

struct CotRow {
  std::string name, title;
  std::size_t num_texts = 0;                                      // that it was trained on
  int64_t num_steps = 0;                                          // optimiser steps
  std::vector<double> right, holds_answer, has_format, complete;  // 0 or 1, of each test problem
  std::vector<std::string> written;                               // of each test problem
};

struct CotResult {
  std::vector<CotRow> rows;
  std::vector<synthesis::Problem> test;
  std::size_t num_train = 0, num_dev = 0;
  int64_t seed = 1, resamples = 2000;
};

// Writes table.json, table.md and report.html and prints the table; 95 % bootstrap intervals over the test problems.
void write_cot_results(const CotResult& result, const Run& run);

}  // namespace limbeck::recipes
