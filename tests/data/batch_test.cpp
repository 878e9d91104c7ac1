#include "data/batch.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck::data {
namespace {

std::vector<int64_t> whole_numbers(const at::Tensor& t) {
  return {t.const_data_ptr<int64_t>(), t.const_data_ptr<int64_t>() + t.numel()};
}

TEST(Collate, PutsDocumentsOneAfterAnotherAndNeverPredictsAcrossThem) {
  const Batch batch = collate(
      {{.ids = {5, 6, 7}, .weights = {1, 1, 0.5f}, .index = 4}, {.ids = {8, 9}, .weights = {1, 1}, .index = 2}});
  EXPECT_EQ(whole_numbers(batch.ids), (std::vector<int64_t>{5, 6, 7, 8, 9}));
  EXPECT_EQ(whole_numbers(batch.targets), (std::vector<int64_t>{6, 7, -100, 9, -100}));
  EXPECT_EQ(batch.offsets, (std::vector<int64_t>{0, 3, 5}));
  EXPECT_EQ(batch.indices, (std::vector<int64_t>{4, 2}));
  EXPECT_TRUE(batch.weights.equal(at::tensor({1.0f, 0.5f, 0.0f, 1.0f, 0.0f})));
  EXPECT_EQ(batch.num_targets, 2.5);
}

TEST(Collate, GivesNoTargetWhereTheWeightIsZero) {
  const Batch batch = collate({{.ids = {5, 6, 7}, .weights = {1, 0, 1}}});
  EXPECT_EQ(whole_numbers(batch.targets), (std::vector<int64_t>{-100, 7, -100}));
  EXPECT_EQ(batch.num_targets, 1);
}

TEST(Collate, TakesDocumentsOfOneTokenAndRefusesWeightsThatDoNotFit) {
  EXPECT_EQ(collate({{.ids = {5}, .weights = {1}}}).num_targets, 0);
  EXPECT_EQ(collate({}).ids.numel(), 0);
  EXPECT_THROW(collate({{.ids = {5, 6}, .weights = {1}}}), Error);
}

TEST(Collate, KeepsTheDocumentsOfAnExampleApartAndTogether) {
  const Batch batch = collate({{.ids = {5, 6, 7, 8, 9}, .index = 3, .types = {0, 0, 1, 0, 1}, .further = {2, 3}},
                               {.ids = {1, 2}, .weights = {1, 1}, .index = 1}});
  EXPECT_EQ(batch.offsets, (std::vector<int64_t>{0, 2, 3, 5, 7}));
  EXPECT_EQ(batch.firsts, (std::vector<int64_t>{0, 3, 4}));
  EXPECT_EQ(batch.indices, (std::vector<int64_t>{3, 1}));
  EXPECT_EQ(whole_numbers(batch.types), (std::vector<int64_t>{0, 0, 1, 0, 1, 0, 0}));
  EXPECT_EQ(whole_numbers(batch.targets), (std::vector<int64_t>{-100, -100, -100, -100, -100, 2, -100}));
  EXPECT_FALSE(collate({{.ids = {5}}}).types.defined());
}

TEST(Collate, PredictsNothingAcrossTheDocumentsOfAnExample) {
  const Batch batch = collate({{.ids = {5, 6, 7, 8}, .weights = {1, 1, 1, 1}, .further = {2}}});
  EXPECT_EQ(whole_numbers(batch.targets), (std::vector<int64_t>{6, -100, 8, -100}));
}

TEST(Collate, RefusesTypesAndDocumentsThatDoNotFit) {
  EXPECT_THROW(collate({{.ids = {5, 6}, .types = {1}}}), Error);
  EXPECT_THROW(collate({{.ids = {5, 6}, .further = {0}}}), Error);
  EXPECT_THROW(collate({{.ids = {5, 6}, .further = {2}}}), Error);
  EXPECT_THROW(collate({{.ids = {5, 6, 7}, .further = {2, 1}}}), Error);
}

}  // namespace
}  // namespace limbeck::data
