#include "serve/beginnings.h"

#include <gtest/gtest.h>

#include <numeric>

namespace limbeck::serve {
namespace {

class SharedBeginning : public testing::Test {
 protected:
  // `same` tokens that all prompts have, then some of its own.
  static std::vector<int32_t> prompt(int same, int own, int id) {
    std::vector<int32_t> ids(static_cast<std::size_t>(same));
    std::iota(ids.begin(), ids.end(), 0);
    for (int i = 0; i < own; ++i) ids.push_back(1000 * id + i);
    return ids;
  }
  generate::KvPages pages(int64_t length) {
    generate::KvPages pages(pool_);
    pages.reserve(length);
    pages.set_length(length);
    return pages;
  }
  generate::KvPool pool_{{.num_layers = 1, .num_kv_heads = 1, .head_size = 16}};
  Beginnings beginnings_{pool_, 400};
};

TEST_F(SharedBeginning, IsWorthReadingWhenASecondPromptShowsItAndBorrowedFromThenOn) {
  EXPECT_EQ(beginnings_.find(prompt(200, 10, 1)).worth, 0);
  beginnings_.note(prompt(200, 10, 1));
  const auto second = beginnings_.find(prompt(200, 10, 2));
  EXPECT_EQ(second.worth, 192) << "whole pages";
  EXPECT_EQ(second.pages, nullptr);
  const auto kept = beginnings_.keep(prompt(200, 10, 2), pages(192));
  const auto third = beginnings_.find(prompt(200, 10, 3));
  EXPECT_EQ(third.worth, 0);
  EXPECT_EQ(third.pages, kept);
}

TEST_F(SharedBeginning, IsNeverTheWholePrompt) {
  beginnings_.note(prompt(160, 0, 1));
  EXPECT_EQ(beginnings_.find(prompt(160, 0, 1)).worth, 144);
  beginnings_.keep(prompt(160, 0, 1), pages(160));
  EXPECT_EQ(beginnings_.find(prompt(160, 0, 1)).pages, nullptr);
  EXPECT_NE(beginnings_.find(prompt(160, 1, 1)).pages, nullptr);
}

TEST_F(SharedBeginning, AFewTokensAreNotWorthIt) {
  beginnings_.note(prompt(63, 10, 1));
  EXPECT_EQ(beginnings_.find(prompt(63, 10, 2)).worth, 0);
}

TEST_F(SharedBeginning, ALongerOneIsWorthReadingOnTopOfAShorterOne) {
  beginnings_.keep(prompt(64, 0, 0), pages(64));
  beginnings_.note(prompt(200, 5, 1));
  const auto found = beginnings_.find(prompt(200, 5, 2));
  EXPECT_NE(found.pages, nullptr);
  EXPECT_EQ(found.worth, 192);
}

TEST_F(SharedBeginning, TheLongestUnusedLeaveWhenThereAreTooMany) {
  const auto one = prompt(0, 160, 1), two = prompt(0, 160, 2), three = prompt(0, 160, 3);
  beginnings_.keep(one, pages(160));
  beginnings_.keep(two, pages(160));
  auto longer = one;
  longer.push_back(7);
  EXPECT_NE(beginnings_.find(longer).pages, nullptr) << "used, so it is the newer one now";
  beginnings_.keep(three, pages(160));
  EXPECT_NE(beginnings_.find(longer).pages, nullptr);
  longer = two;
  longer.push_back(7);
  EXPECT_EQ(beginnings_.find(longer).pages, nullptr);
  EXPECT_EQ(pool_.num_used(), 20) << "its pages are free again";
}

}  // namespace
}  // namespace limbeck::serve
