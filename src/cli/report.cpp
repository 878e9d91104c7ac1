// limbeck report DIR [DIR ...]: what a run found (its tables and where its page is), or how far it came.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/json.h"
#include "cli/verbs.h"

namespace limbeck::cli {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  bool json = false;
  void describe(Fields& f) { f("json", json, "prints table.json of the run instead, one line a run"); }
};

// The newest training step in a log; nothing where it has none.
std::optional<Json> last_step(const fs::path& log) {
  std::optional<Json> last;
  read_growing_jsonl(log, [&](const Json& row, int64_t) {
    if (row.value("kind", "") == "step") last = row;
  });
  return last;
}

void print_progress(const fs::path& run) {
  fmt::print("not finished; the command that began it goes on\n");
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(run))
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string name = file.lexically_relative(run).string();
    if (file.filename() != "log.jsonl") {
      int64_t rows = 0;
      read_growing_jsonl(file, [&](const Json&, int64_t) { ++rows; });
      fmt::print("  {:<40} {} rows\n", name, rows);
    } else if (const auto step = last_step(file)) {
      fmt::print("  {:<40} step {}, loss {:.4f}, {:%F %H:%M} UTC\n", name, step->value("step", int64_t{0}),
                 step->value("loss", 0.0), fmt::gmtime(static_cast<std::time_t>(step->value("time", 0.0))));
    }
  }
}

void print_report(const fs::path& run, const ReportOptions& options) {
  const fs::path manifest_path = run / "manifest.json";
  if (!fs::exists(manifest_path))
    user_fail(run.string(), "expected the folder of a run (limbeck run --out) but there is no manifest.json in it");
  const Json manifest = read_json(manifest_path);
  if (options.json) {
    if (!fs::exists(run / "table.json")) user_fail(run.string(), "the run is not finished: there is no table.json yet");
    fmt::print("{}\n", to_line({{"run", run.string()}, {"table", read_json(run / "table.json")}}));
    return;
  }
  fmt::print("{}: {}, seed {}\n\n", run.string(), field<std::string>(manifest, "method", manifest_path.string()),
             field<int64_t>(manifest, "seed", manifest_path.string()));
  bool has_table = false;
  for (const char* table : {"pretraining.md", "table.md"})
    if (fs::exists(run / table)) {
      fmt::print("{}\n", read_file(run / table));
      has_table = true;
    }
  if (!has_table) print_progress(run);
  if (fs::exists(run / "report.html")) fmt::print("page:  {}\n", (run / "report.html").string());
  if (fs::exists(run / "model")) fmt::print("model: {}\n", (run / "model").string());
}

}  // namespace

int verb_report(const Args& args) {
  ReportOptions options;
  Args flags, runs;
  for (const auto& arg : args) (arg.starts_with("-") ? flags : runs).push_back(arg);
  Fields fields = fields_of(options);
  read_options(fields, "", flags);
  if (runs.empty()) user_fail("report", "expected the folder of a run");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i > 0 && !options.json) fmt::print("\n");
    print_report(runs[i], options);
  }
  std::fflush(stdout);
  return 0;
}

}  // namespace limbeck::cli
