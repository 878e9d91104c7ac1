#include "recipes/ekt.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/errors.h"
#include "base/files.h"
#include "base/phases.h"
#include "recipes/ekt_arms.h"
#include "recipes/ekt_context.h"
#include "recipes/ekt_report.h"
#include "recipes/ekt_table.h"
#include "recipes/time_shares.h"

namespace limbeck::recipes {
namespace {

void write_dropped(const EktContext& context) {
  write_file_atomically(context.run.path("dropped.jsonl"), [&](const Sink& sink) {
    for (const auto& problem : context.dropped) sink(to_line({{"id", problem.id}, {"reason", problem.reason}}) + "\n");
  });
}

}  // namespace

void run_ekt(const EktOptions& options, const Run& run) {
  EktContext context(options, run);
  write_dropped(context);
  {
    const Phase phase("sample the teacher", "recipe");
    context.draw_teacher_samples();
  }
  EktResult result{.funnel = funnel_of(context)};
  if (result.funnel.num_kept == 0)
    user_fail("ekt", "expected at least one program that gives the right answer but none of {} samples did; see {}",
              result.funnel.num_samples, run.path("samples.jsonl").string());
  if (options.measure_teacher) {
    const Phase phase("measure the teacher", "recipe");
    result.rows.push_back(measure_teacher(context, run.child("teacher")));
  }
  context.release_teacher();
  const Run arms = run.child("arms");
  for (const Arm* arm : chosen_arms(options)) {
    const Phase phase(arm->title.c_str(), "recipe");  // of the catalog, which stays
    result.rows.push_back(in_context("arm " + arm->name, [&] { return arm->run(context, arms.child(arm->name)); }));
    result.rows.back().name = arm->name;
    result.rows.back().title = arm->title;
  }
  const Phase phase("compare and report", "recipe");
  result.comparisons = compare_arms(result.rows, context);
  write_json(run.path("table.json"), table_json(result, context));
  write_file_atomically(run.path("table.md"), table_markdown(result, context));
  log_time(run);
  write_file_atomically(run.path("report.html"), ekt_report(result, context));
  fmt::print("\n{}\nreport: {}\n", table_text(result, context), run.path("report.html").string());
  if (std::filesystem::exists(run.path("model"))) fmt::print("model:  {}\n", run.path("model").string());
  std::fflush(stdout);
}

}  // namespace limbeck::recipes
