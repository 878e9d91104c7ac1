#include "recipes/time_shares.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <vector>

#include "base/json.h"
#include "base/phases.h"
#include "recipes/charts.h"
#include "recipes/html.h"

namespace limbeck::recipes {
namespace {

// Names this process in a log that several may write.
const std::string& process_name() {
  static const std::string name =
      fmt::format("{}-{}", ::getpid(), std::chrono::system_clock::now().time_since_epoch().count() / 1'000'000'000);
  return name;
}

struct Share {
  std::string name;
  double seconds = 0;
  int depth = 0;
  bool beside = false;
};

// Sums over the processes of a run; of each process its last row counts.
struct Shares {
  double total = 0;
  std::vector<Share> list;
  std::size_t num_processes = 0;
};

void add(Shares& shares, const Json& phase) {
  const auto name = phase.value("name", std::string());
  const bool beside = phase.value("beside", false);
  auto found = std::find_if(shares.list.begin(), shares.list.end(),
                            [&](const Share& s) { return s.name == name && s.beside == beside; });
  if (found == shares.list.end()) {
    // An inner phase stands after those of the outer one that are there already.
    const std::string outer = name.find(" > ") == std::string::npos ? "" : name.substr(0, name.rfind(" > "));
    auto place = shares.list.end();
    for (auto at = shares.list.begin(); !outer.empty() && at != shares.list.end(); ++at)
      if (at->beside == beside && (at->name == outer || at->name.starts_with(outer + " > "))) place = at + 1;
    found = shares.list.insert(place, {.name = name, .depth = phase.value("depth", 0), .beside = beside});
  }
  found->seconds += phase.value("seconds", 0.0);
}

Shares shares_of(const std::filesystem::path& log) {
  Shares shares;
  if (!std::filesystem::exists(log)) return shares;
  std::vector<std::string> order;
  std::map<std::string, Json> last;
  read_growing_jsonl(log, [&](const Json& row, int64_t) {
    if (row.value("kind", "") != "time") return;
    const auto process = row.value("process", std::string());
    if (!last.contains(process)) order.push_back(process);
    last[process] = row;
  });
  for (const auto& process : order) {
    const Json& row = last.at(process);
    shares.total += row.value("seconds", 0.0);
    for (const Json& phase : row.value("phases", Json::array())) add(shares, phase);
  }
  shares.num_processes = order.size();
  return shares;
}

std::string tenths(double seconds) {
  return fmt::format("{:.1f}", seconds);
}

}  // namespace

TimeLog::~TimeLog() {
  try {
    log_time(run_);
  } catch (const std::exception&) {  // a full disk is told of by what matters more
  }
}

void log_time(const Run& run) {
  Json phases = Json::array();
  for (const PhaseTime& time : phase_times())
    phases.push_back({{"name", time.name}, {"seconds", time.seconds}, {"depth", time.depth}, {"beside", time.beside}});
  run.log({{"kind", "time"}, {"process", process_name()}, {"seconds", process_seconds()}, {"phases", phases}});
}

std::string time_shares_html(const std::filesystem::path& log) {
  const Shares shares = shares_of(log);
  if (shares.list.empty() || shares.total <= 0) return "";
  double known = 0;
  for (const Share& share : shares.list)
    if (share.depth == 0 && !share.beside) known += share.seconds;
  std::vector<Bar> outer;
  for (const Share& share : shares.list)
    if (share.depth == 0 && !share.beside)
      outer.push_back({share.name + ", s", "c0", static_cast<int64_t>(std::llround(share.seconds))});
  outer.push_back({"other, s", "c0", static_cast<int64_t>(std::llround(std::max(0.0, shares.total - known)))});
  std::string html = bars(outer, static_cast<int64_t>(std::llround(shares.total)));
  html += "<div class=\"scroll\"><table>\n<thead><tr><th>Part</th><th>s</th><th>%</th></tr></thead>\n<tbody>\n";
  for (const Share& share : shares.list) {
    const std::string inner = share.name.substr(share.depth == 0 ? 0 : share.name.rfind(" > ") + 3);
    std::string indent;
    for (int i = 0; i < share.depth; ++i) indent += "&nbsp;&nbsp;&nbsp;";
    html += fmt::format("<tr><th>{}{}{}</th><td>{}</td><td>{}</td></tr>\n", indent, escape_html(inner),
                        share.beside ? " (at the same time)" : "", tenths(share.seconds),
                        tenths(100 * share.seconds / shares.total));
  }
  html += fmt::format("<tr><th>all</th><td>{}</td><td>100.0</td></tr>\n</tbody></table></div>\n", tenths(shares.total));
  if (shares.num_processes > 1)
    html += fmt::format("<p class=\"note\">The sum over {} processes: the run was stopped and gone on with.</p>\n",
                        shares.num_processes);
  return html;
}

}  // namespace limbeck::recipes
