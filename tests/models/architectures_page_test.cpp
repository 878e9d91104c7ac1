// The table of docs/architectures.md: measured and, with LIMBECK_WRITE_DOCS=1 (scripts/architecture-table), written.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/files.h"
#include "models/catalog.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

struct Measured {
  int64_t variants = 0;
  double logits = 0, gradients = 0, bf16 = 0, bf16_relative = 0, size = 0;
};

void measure(const Json& row, Measured& m) {
  const at::Tensor ids = golden_ids(row), expected = golden_logits(row);
  auto model = golden_model(row);
  const at::Tensor logits = logits_of_document(*model, ids);
  next_token_loss(logits, ids).backward();
  ++m.variants;
  m.logits = std::max(m.logits, largest_difference(logits, expected));
  m.size = std::max(m.size, expected.abs().max().item<double>());
  for (const nn::NamedParameter& p : parameters_of(*model)) {
    const double theirs = row.at("gradient_norms").at(p.name).get<double>();
    // A key bias moves all scores of a query alike: its gradient is rounding.
    if (theirs > 1e-3)
      m.gradients = std::max(m.gradients, std::abs(p.tensor->grad().norm().item<double>() - theirs) / theirs);
  }
  at::NoGradGuard no_grad;
  model->freeze(Precision::kBf16);
  const at::Tensor rounded = logits_of_document(*model, ids);
  m.bf16 = std::max(m.bf16, largest_difference(rounded, expected));
  m.bf16_relative = std::max(m.bf16_relative, ((rounded - expected).norm() / expected.norm()).item<double>());
}

std::string table() {
  std::map<std::string, Measured> measured;
  for (const char* file : {"models/variants.json", "models/architectures.json"})
    for (const Json& row : read_json(golden(file)))
      measure(row, measured[row.at("config").at("model_type").get<std::string>()]);
  std::string text =
      "| `model_type` | models | GGUF | configs | logits, fp32 | gradients, fp32 | logits, bf16 | bf16, relative | "
      "logits reach |\n"
      "|---|---|---|---:|---:|---:|---:|---:|---:|\n";
  for (const Architecture& row : architectures()) {
    const Measured& m = measured[std::string(row.model_type)];
    EXPECT_GT(m.variants, 0) << row.model_type;
    EXPECT_LT(m.logits, 1e-4) << row.model_type;
    text += fmt::format("| `{}` | {} | {} | {} | {:.1e} | {:.1e} | {:.2f} | {:.1f} % | {:.1f} |\n", row.model_type,
                        row.about, row.gguf.empty() ? "–" : fmt::format("`{}`", row.gguf), m.variants, m.logits,
                        m.gradients, m.bf16, 100 * m.bf16_relative, m.size);
  }
  return text;
}

TEST(ArchitecturesPage, HasARowForEveryArchitecture) {
  const std::filesystem::path page = std::filesystem::path(LIMBECK_SOURCE_DIR) / "docs" / "architectures.md";
  const std::string text = read_file(page), begin = "<!-- table -->\n", end = "<!-- end of table -->";
  const std::size_t first = text.find(begin) + begin.size(), last = text.find(end);
  ASSERT_LE(first, last);
  const std::string fresh = table();
  if (std::getenv("LIMBECK_WRITE_DOCS")) write_file_atomically(page, text.substr(0, first) + fresh + text.substr(last));
  const std::string there = read_file(page);
  for (const Architecture& row : architectures())
    EXPECT_NE(there.find(fmt::format("| `{}` | {} |", row.model_type, row.about)), std::string::npos)
        << row.model_type << " is missing; scripts/architecture-table";
}

}  // namespace
}  // namespace limbeck::models
