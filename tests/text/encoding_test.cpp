#include "text/encoding.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/errors.h"

namespace limbeck::text {
namespace {

std::vector<int32_t> counted(int32_t size) {
  std::vector<int32_t> ids(static_cast<std::size_t>(size));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

std::pair<std::size_t, std::size_t> lengths_after(Truncation t, int64_t max_length, int32_t a, int32_t b) {
  std::vector<int32_t> first = counted(a), second = counted(b);
  truncate(t, max_length, first, &second);
  return {first.size(), second.size()};
}

TEST(Truncate, LongestFirstMakesBothEqualBeforeItCutsTheShorter) {
  using Lengths = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(lengths_after({}, 10, 3, 20), (Lengths{3, 7}));
  EXPECT_EQ(lengths_after({}, 10, 20, 3), (Lengths{7, 3}));
  EXPECT_EQ(lengths_after({}, 11, 20, 30), (Lengths{5, 6}));
  EXPECT_EQ(lengths_after({}, 10, 4, 5), (Lengths{4, 5}));
  EXPECT_EQ(lengths_after({}, 0, 4, 5), (Lengths{0, 0}));
}

TEST(Truncate, CutsTheEndOrTheBeginning) {
  std::vector<int32_t> ids = counted(5);
  truncate({}, 3, ids, nullptr);
  EXPECT_EQ(ids, (std::vector<int32_t>{0, 1, 2}));
  ids = counted(5);
  truncate({.from_left = true}, 3, ids, nullptr);
  EXPECT_EQ(ids, (std::vector<int32_t>{2, 3, 4}));
}

TEST(Truncate, OneTextOnlyAndRefusesWhenItIsTooShort) {
  const Truncation second{.strategy = Truncation::Strategy::kOnlySecond};
  EXPECT_EQ(lengths_after(second, 10, 6, 8), (std::pair<std::size_t, std::size_t>{6, 4}));
  EXPECT_THROW(lengths_after(second, 5, 6, 1), UserError);
  std::vector<int32_t> alone = counted(9);
  EXPECT_THROW(truncate(second, 5, alone, nullptr), UserError);
}

TEST(Pad, FillsUpToALengthOrAMultiple) {
  EXPECT_EQ(padded_length({.length = 16}, 5), 16);
  EXPECT_EQ(padded_length({}, 5), 5);
  EXPECT_EQ(padded_length({.multiple_of = 8}, 9), 16);
  EXPECT_EQ(padded_length({.multiple_of = 8}, 8), 8);
  Encoding e{{1, 2}, {0, 0}, {1, 1}};
  pad({.id = 9, .type_id = 3}, 4, e);
  EXPECT_EQ(e.ids, (std::vector<int32_t>{1, 2, 9, 9}));
  EXPECT_EQ(e.type_ids, (std::vector<int32_t>{0, 0, 3, 3}));
  EXPECT_EQ(e.mask, (std::vector<uint8_t>{1, 1, 0, 0}));
  pad({.id = 9, .on_left = true}, 5, e);
  EXPECT_EQ(e.ids.front(), 9);
  pad({}, 2, e);
  EXPECT_EQ(e.ids.size(), 5u);
}

}  // namespace
}  // namespace limbeck::text
