#include "kernels/decode_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/instruction_sets.h"

namespace limbeck::kernels {
namespace {

// Queries, keys and values of documents [T,H,E] and [T,K,E], and their attention in float64.
struct Document {
  std::vector<float> q, k, v;
  std::vector<double> expected;
  int64_t length = 0;
};

struct Setting {
  int64_t num_heads = 6, num_kv_heads = 2, head_size = 10, window = 0;
  Format format = Format::kFp32;
  float scale = 0.4f;
  float softcap = 0;
};

float kept(float value, Format format) {
  return format == Format::kFp32 ? value : to_float(to_bfloat16(value));
}

// The first `shared` positions come from `start`.
Document make_document(const Setting& setting, int64_t length, unsigned seed, const Document* start = nullptr,
                       int64_t shared = 0) {
  const auto& [H, K, E, window, format, scale, softcap] = setting;
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  Document d{.length = length};
  for (auto* part : {&d.q, &d.k, &d.v}) {
    part->resize(static_cast<std::size_t>(length * (part == &d.q ? H : K) * E));
    for (float& number : *part) number = kept(normal(engine), format);
  }
  if (start) {
    std::copy_n(start->q.begin(), shared * H * E, d.q.begin());
    std::copy_n(start->k.begin(), shared * K * E, d.k.begin());
    std::copy_n(start->v.begin(), shared * K * E, d.v.begin());
  }
  return d;
}

void compute_expected(const Setting& setting, Document& d) {
  const auto& [H, K, E, window, format, scale, softcap] = setting;
  for (int64_t t = 0; t < d.length; ++t)
    for (int64_t h = 0; h < H; ++h) {
      const int64_t first = window > 0 ? std::max<int64_t>(0, t - window + 1) : 0;
      std::vector<double> weights;
      double total = 0;
      for (int64_t s = first; s <= t; ++s) {
        double dot = 0;
        for (int64_t e = 0; e < E; ++e) dot += double{d.q[(t * H + h) * E + e]} * d.k[(s * K + h / (H / K)) * E + e];
        const double score = dot * scale;
        weights.push_back(std::exp(softcap > 0 ? softcap * std::tanh(score / softcap) : score));
        total += weights.back();
      }
      for (int64_t e = 0; e < E; ++e) {
        double sum = 0;
        for (int64_t s = first; s <= t; ++s) sum += weights[s - first] * d.v[(s * K + h / (H / K)) * E + e];
        d.expected.push_back(sum / total);
      }
    }
}

// Pages of one sequence, filled with rubbish so that reading what was not written shows.
class Pages {
 public:
  Pages(const KvShape& shape, int64_t positions) {
    for (int64_t p = 0; p < (positions + 15) / 16; ++p) {
      memory_.emplace_back(static_cast<std::size_t>(shape.page_bytes() + 64), static_cast<char>(0xff));
      pointers_.push_back(memory_.back().data());
    }
  }
  char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::vector<char>> memory_;
  std::vector<char*> pointers_;
};

struct Part {
  const Document* document;
  int64_t first, count;  // the tokens of the document that are new
  char* const* pages;
  int64_t own_length;
  char* const* prefix;
  int64_t prefix_length;
};

// One call over all parts; [N,H,E].
std::vector<float> attend_parts(const Setting& setting, const std::vector<Part>& parts) {
  const auto& [H, K, E, window, format, scale, softcap] = setting;
  std::vector<float> q, k, v;
  std::vector<CachedSequence> sequences;
  int64_t row = 0;
  for (const Part& part : parts) {
    const auto add = [&](std::vector<float>& to, const std::vector<float>& from, int64_t heads) {
      to.insert(to.end(), from.begin() + part.first * heads * E, from.begin() + (part.first + part.count) * heads * E);
    };
    add(q, part.document->q, H);
    add(k, part.document->k, K);
    add(v, part.document->v, K);
    sequences.push_back({.first_row = row,
                         .num_rows = part.count,
                         .pages = part.pages,
                         .length = part.own_length,
                         .prefix_pages = part.prefix,
                         .prefix_length = part.prefix_length});
    row += part.count;
  }
  std::vector<float> output(q.size(), std::nanf(""));
  attend({.shape = {.num_layers = 2, .num_kv_heads = K, .head_size = E, .format = format},
          .layer = 1,
          .num_heads = H,
          .scale = scale,
          .softcap = softcap,
          .window = window,
          .q = {q.data(), Format::kFp32, H * E, E},
          .k = {k.data(), Format::kFp32, K * E, E},
          .v = {v.data(), Format::kFp32, K * E, E},
          .output = output.data(),
          .sequences = sequences});
  return output;
}

KvShape shape_of(const Setting& s) {
  return {.num_layers = 2, .num_kv_heads = s.num_kv_heads, .head_size = s.head_size, .format = s.format};
}

void expect_rows(const Setting& setting, const std::vector<float>& output, int64_t first_row, const Document& document,
                 int64_t first, int64_t count) {
  const int64_t width = setting.num_heads * setting.head_size;
  for (int64_t i = 0; i < count * width; ++i)
    ASSERT_NEAR(output[first_row * width + i], document.expected[first * width + i],
                setting.format == Format::kFp32 ? 1e-5 : 2e-2)
        << "token " << first + i / width;
}

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const Format format : {Format::kFp32, Format::kBf16})
    for (const auto& [heads, kv_heads, size] : std::vector<std::array<int64_t, 3>>{{6, 2, 10}, {3, 1, 64}, {2, 2, 24}})
      for (const int64_t window : {0, 30}) all.push_back({heads, kv_heads, size, window, format});
  for (const Format format : {Format::kFp32, Format::kBf16})
    all.push_back({.num_heads = 4, .num_kv_heads = 2, .head_size = 24, .format = format, .softcap = 1.2f});
  return all;
}

TEST(DecodeAttention, EqualsAttentionInFloat64TokenByTokenAndInChunks) {
  for (const Setting& setting : settings()) {
    Document document = make_document(setting, 270, 1);
    compute_expected(setting, document);
    Pages pages(shape_of(setting), 270);
    int64_t done = 0;
    for (const int64_t count : {1, 1, 14, 1, 20, 200, 1, 32}) {
      const auto output = attend_parts(setting, {{&document, done, count, pages.get(), done, nullptr, 0}});
      expect_rows(setting, output, 0, document, done, count);
      done += count;
    }
    ASSERT_EQ(done, 270);
  }
}

TEST(DecodeAttention, SharesAPrefixBetweenSequencesOfAnyLength) {
  for (const Setting& setting : settings()) {
    const int64_t shared = 37;
    Document first = make_document(setting, 60, 1), other = make_document(setting, 20, 3);
    Document second = make_document(setting, 50, 2, &first, shared);
    for (Document* document : {&first, &second, &other}) compute_expected(setting, *document);
    Pages prefix(shape_of(setting), shared), a(shape_of(setting), 30), b(shape_of(setting), 30),
        c(shape_of(setting), 20);
    attend_parts(setting, {{&first, 0, shared, prefix.get(), 0, nullptr, 0}});
    auto output = attend_parts(setting, {{&first, shared, 18, a.get(), 0, prefix.get(), shared},
                                         {&second, shared, 1, b.get(), 0, prefix.get(), shared},
                                         {&other, 0, 3, c.get(), 0, nullptr, 0}});
    expect_rows(setting, output, 0, first, shared, 18);
    expect_rows(setting, output, 18, second, shared, 1);
    expect_rows(setting, output, 19, other, 0, 3);
    output = attend_parts(setting, {{&first, shared + 18, 1, a.get(), 18, prefix.get(), shared},
                                    {&second, shared + 1, 1, b.get(), 1, prefix.get(), shared},
                                    {&other, 3, 1, c.get(), 3, nullptr, 0}});
    expect_rows(setting, output, 0, first, shared + 18, 1);
    expect_rows(setting, output, 1, second, shared + 1, 1);
    expect_rows(setting, output, 2, other, 3, 1);
  }
}

TEST(DecodeAttention, GivesARowTheSameBitsWhateverElseIsInTheBatch) {
  for (const Setting& setting : settings()) {
    const int64_t shared = 290, width = setting.num_heads * setting.head_size;
    std::vector<Document> documents;
    for (unsigned i = 0; i < 13; ++i)
      documents.push_back(make_document(setting, 291 + i, i, i > 0 ? &documents[0] : nullptr, shared));
    Pages prefix(shape_of(setting), shared), prefix_in_pieces(shape_of(setting), shared);
    const auto whole = attend_parts(setting, {{&documents[0], 0, shared, prefix.get(), 0, nullptr, 0}});
    for (int64_t done = 0; done < shared; done += 58) {
      const auto piece = attend_parts(setting, {{&documents[0], done, 58, prefix_in_pieces.get(), done, nullptr, 0}});
      ASSERT_EQ(std::memcmp(piece.data(), whole.data() + done * width, piece.size() * sizeof(float)), 0);
    }
    std::vector<Pages> pages(13, Pages(shape_of(setting), 0));
    std::vector<Part> parts;
    for (std::size_t i = 0; i < 13; ++i) {
      pages[i] = Pages(shape_of(setting), 16);
      parts.push_back({&documents[i], shared, static_cast<int64_t>(i) + 1, pages[i].get(), 0, prefix.get(), shared});
    }
    const auto together = attend_parts(setting, parts);
    int64_t row = 0;
    for (const Part& part : parts) {
      const auto alone = attend_parts(setting, {part});
      ASSERT_EQ(std::memcmp(alone.data(), together.data() + row * width, alone.size() * sizeof(float)), 0);
      row += part.count;
    }
  }
}

TEST(DecodeAttention, TakesStridedBf16AndGivesBf16) {
  const Setting setting{.num_heads = 4, .num_kv_heads = 2, .head_size = 16, .format = Format::kBf16};
  Document document = make_document(setting, 40, 1);
  compute_expected(setting, document);
  std::vector<BFloat16> joined;  // [T, (H + 2K) E], as one product for q, k and v gives it
  for (int64_t t = 0; t < 40; ++t) {
    for (int64_t i = 0; i < 64; ++i) joined.push_back(to_bfloat16(document.q[t * 64 + i]));
    for (int64_t i = 0; i < 32; ++i) joined.push_back(to_bfloat16(document.k[t * 32 + i]));
    for (int64_t i = 0; i < 32; ++i) joined.push_back(to_bfloat16(document.v[t * 32 + i]));
  }
  Pages pages(shape_of(setting), 40);
  const std::vector<CachedSequence> sequences = {{.num_rows = 40, .pages = pages.get()}};
  std::vector<BFloat16> output(40 * 64);
  attend({.shape = shape_of(setting),
          .num_heads = 4,
          .scale = setting.scale,
          .q = {joined.data(), Format::kBf16, 128, 16},
          .k = {joined.data() + 64, Format::kBf16, 128, 16},
          .v = {joined.data() + 96, Format::kBf16, 128, 16},
          .output = output.data(),
          .sequences = sequences});
  for (std::size_t i = 0; i < output.size(); ++i) ASSERT_NEAR(to_float(output[i]), document.expected[i], 3e-2);
}

TEST(DecodeAttention, DoesNothingForNoSequences) {
  attend({.shape = {.num_layers = 1, .num_kv_heads = 1, .head_size = 8}, .num_heads = 1});
}

}  // namespace
}  // namespace limbeck::kernels
