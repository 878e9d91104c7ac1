#include "formats/word_vectors.h"

#include <ATen/ATen.h>

#include <charconv>
#include <cmath>  // std::isfinite
#include <cstring>
#include <limits>
#include <string_view>
#include <unordered_set>

#include "base/compressed.h"
#include "base/errors.h"
#include "base/printable.h"

namespace limbeck::formats {
namespace {

constexpr int64_t kLargestWidth = 1 << 16;

std::string_view next_cell(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(begin);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view cell = line.substr(0, end);
  line.remove_prefix(end);
  return cell;
}

float number_of(std::string_view cell, const std::string& where) {
  float number = 0;
  const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error != std::errc{} || stop != cell.data() + cell.size() || !std::isfinite(number))
    user_fail(where, "expected a word and finite numbers but received '{}'", printable(cell));
  return number;
}

// word2vec's first line: how many words of what width.
bool is_header(std::string_view line) {
  int64_t numbers = 0;
  while (true) {
    const std::string_view cell = next_cell(line);
    if (cell.empty()) return numbers == 2;
    if (cell.find_first_not_of("0123456789") != std::string_view::npos) return false;
    ++numbers;
  }
}

}  // namespace

WordVectors read_word_vectors(const std::filesystem::path& path, int64_t most) {
  const std::string text = read_text_file(path);
  std::string_view rest = text;
  WordVectors result;
  std::unordered_set<std::string_view> seen;
  std::vector<float> values;
  std::size_t width = 0;
  for (int64_t number = 1; !rest.empty() && static_cast<int64_t>(result.words.size()) < most; ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || (number == 1 && is_header(line))) continue;
    const std::string where = fmt::format("{}:{}", path.string(), number);
    const std::string_view word = next_cell(line);
    const std::size_t before = values.size();
    for (std::string_view cell = next_cell(line); !cell.empty(); cell = next_cell(line))
      values.push_back(number_of(cell, where));
    const std::size_t received = values.size() - before;
    if (width == 0) width = received;
    if (received != width || width == 0 || static_cast<int64_t>(width) > kLargestWidth)
      user_fail(where, "expected {} numbers after the word '{}' but received {}",
                width == 0 ? std::string("1 or more") : std::to_string(width), printable(word), received);
    if (seen.insert(word).second)
      result.words.emplace_back(word);
    else
      values.resize(before);
  }
  if (result.words.empty()) user_fail(path.string(), "expected words with vectors but found none");
  result.vectors = at::empty({static_cast<int64_t>(result.words.size()), static_cast<int64_t>(width)}, at::kFloat);
  std::memcpy(result.vectors.mutable_data_ptr<float>(), values.data(), values.size() * sizeof(float));
  return result;
}

at::Tensor nearest_rows(const at::Tensor& table, const at::Tensor& vectors, const at::Tensor& allowed, int64_t k) {
  constexpr int64_t kRows = 256;  // of a product
  const int64_t available = allowed.sum().item<int64_t>();
  if (available < k) fail("nearest_rows", "expected at least {} rows to choose from but received {}", k, available);
  const auto unit = [](const at::Tensor& x) {
    return x / x.norm(2, {1}, /*keepdim=*/true).clamp_min(std::numeric_limits<float>::min());
  };
  const at::Tensor units = unit(table.to(at::kFloat)), forbidden = allowed.logical_not().unsqueeze(0);
  std::vector<at::Tensor> found;
  for (int64_t begin = 0; begin < vectors.size(0); begin += kRows) {
    const at::Tensor some = unit(vectors.narrow(0, begin, std::min(kRows, vectors.size(0) - begin)).to(at::kFloat));
    const at::Tensor cosines = at::mm(some, units.t()).masked_fill_(forbidden, -std::numeric_limits<float>::infinity());
    found.push_back(std::get<1>(cosines.topk(k, 1)));
  }
  return found.empty() ? at::empty({0, k}, at::kLong) : at::cat(found);
}

}  // namespace limbeck::formats
