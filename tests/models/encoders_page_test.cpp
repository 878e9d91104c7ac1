// The table of docs/encoders.md: measured and, with LIMBECK_WRITE_DOCS=1 (scripts/architecture-table), written.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/files.h"
#include "models/encoder_catalog.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

constexpr const char* kHeads[] = {"none", "classification", "choice", "tokens", "span", "masked_lm"};

struct Differences {
  std::map<std::string, double> heads;  // of the numbers of each
  int64_t configs = 0;
  double gradients = 0, bf16 = 0;
};

void measure_encoder(const Json& row, Differences& d) {
  const Packed packed = golden_texts(row);
  auto encoder = small_encoder(row.at("config"), golden_head(row));
  const at::Tensor numbers = compared(*encoder, row, packed), expected = expected_of(row, numbers);
  double& largest = d.heads[row.at("head").get<std::string>()];
  largest = std::max(largest, largest_gap(numbers, expected));
  d.configs += row.at("head") == "classification";
  if (row.contains("gradient_norms")) {
    at::Tensor weights = at::empty_like(numbers).detach();
    fill_by_formula("loss", weights);
    (numbers * weights).sum().backward();
    for (const nn::NamedParameter& p : parameters_of(*encoder)) {
      const double theirs = row.at("gradient_norms").at(p.name).get<double>();
      // A key bias moves all scores of a query alike: its gradient is rounding.
      if (theirs > 1e-3)
        d.gradients = std::max(d.gradients, std::abs(p.tensor->grad().norm().item<double>() - theirs) / theirs);
    }
  }
  at::NoGradGuard no_grad;
  encoder->freeze(Precision::kBf16);
  const at::Tensor rounded = compared(*encoder, row, packed);
  d.bf16 = std::max(d.bf16, ((rounded - expected).norm() / expected.norm()).item<double>());
}

std::string encoder_table() {
  std::map<std::string, Differences> measured;
  for (const Json& row : read_json(golden("models/encoders.json")))
    measure_encoder(row, measured[row.at("config").at("model_type").get<std::string>()]);
  std::string text =
      "| `model_type` | models | configs | body | classes | choices | tokens | spans | masked words | gradients | bf16 "
      "|\n"
      "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const EncoderArchitecture& row : encoder_architectures()) {
    const auto found = measured.find(std::string(row.model_type));
    if (found == measured.end()) continue;  // another's code under another name
    const Differences& d = found->second;
    text += fmt::format("| `{}` | {} | {} |", row.model_type, row.about, d.configs);
    for (const char* head : kHeads) {
      EXPECT_LT(d.heads.at(head), 1e-4) << row.model_type << ", " << head;
      text += fmt::format(" {:.1e} |", d.heads.at(head));
    }
    text += fmt::format(" {:.1e} | {:.1f} % |\n", d.gradients, 100 * d.bf16);
  }
  return text;
}

TEST(EncodersPage, HasARowForEveryArchitecture) {
  const std::filesystem::path page = std::filesystem::path(LIMBECK_SOURCE_DIR) / "docs" / "encoders.md";
  const std::string text = read_file(page), begin = "<!-- table -->\n", end = "<!-- end of table -->";
  const std::size_t first = text.find(begin) + begin.size(), last = text.find(end);
  ASSERT_LE(first, last);
  const std::string fresh = encoder_table();
  if (std::getenv("LIMBECK_WRITE_DOCS")) write_file_atomically(page, text.substr(0, first) + fresh + text.substr(last));
  const std::string there = read_file(page);
  for (const EncoderArchitecture& row : encoder_architectures())
    EXPECT_NE(there.find(fmt::format("`{}`", row.model_type)), std::string::npos)
        << row.model_type << " is missing; scripts/architecture-table";
}

}  // namespace
}  // namespace limbeck::models
