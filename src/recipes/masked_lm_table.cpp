#include "recipes/masked_lm_table.h"

#include <fmt/format.h>

#include "base/files.h"
#include "recipes/cells.h"

namespace limbeck::recipes {

void write_masked_lm_table(const std::string& method, const std::vector<MaskedLmRow>& rows, const MaskedLmData& data,
                           const Json& facts, const Run& run) {
  Cells cells = {{"pretraining", "parameters", "held-out loss", "guessed right %", "KL from the teacher"}};
  Json arms = Json::array();
  for (const MaskedLmRow& row : rows) {
    cells.push_back({row.title, fmt::format("{:.2f} M", static_cast<double>(row.parameters) / 1e6),
                     fmt::format("{:.4f}", row.figures.loss), fmt::format("{:.1f}", 100 * row.figures.accuracy),
                     &row == &rows.front() ? "" : fmt::format("{:.4f}", row.figures.divergence)});
    arms.push_back({{"arm", row.name},
                    {"title", row.title},
                    {"parameters", row.parameters},
                    {"loss", row.figures.loss},
                    {"accuracy", row.figures.accuracy},
                    {"divergence", row.figures.divergence}});
  }
  const std::string note = fmt::format("{} hidden tokens of {} held-out examples, the same for all.\n",
                                       rows.front().figures.num_masked, data.dev.examples.size());
  write_file_atomically(run.path("pretraining.md"),
                        "# " + method + ": pretraining\n\n" + cells_markdown(cells) + "\n" + note);
  Json whole = {{"arms", arms}};
  whole.update(facts);
  write_json(run.path("pretraining.json"), whole);
  fmt::print("\n{}\n{}", cells_text(cells), note);
}

}  // namespace limbeck::recipes
