#include "synthesis/augmentation.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <set>

#include "base/errors.h"
#include "base/progress.h"
#include "synthesis/tiny_masked_lm.h"

namespace limbeck::synthesis {
namespace {

class Augmentation : public ::testing::Test {
 protected:
  void SetUp() override { Progress::be_quiet(true); }
  data::TaskSplit augment(const data::TaskSplit& split, const SubstitutionOptions& options) {
    return augmented(split, data::TaskKind::kClasses, candidates_, options, Seed(1));
  }
  models::PretrainedEncoder lm_ = tiny_masked_lm();
  WordCandidates candidates_{*lm_.model, *lm_.tokenizer, nullptr, 5};
};

TEST_F(Augmentation, KeepsEveryRowAndItsLabel) {
  data::TaskSplit split;
  split.rows = {{.first = "red apples ran", .label = 1}, {.first = "of the", .label = 0}};
  const auto larger = augment(split, {.variants = 6, .share = 0.5});
  EXPECT_EQ(larger.rows[0].first, "red apples ran");
  EXPECT_EQ(larger.rows.back().first, "of the");  // nothing in it to exchange
  EXPECT_GT(larger.rows.size(), 4u);
  for (std::size_t i = 0; i + 1 < larger.rows.size(); ++i) EXPECT_EQ(larger.rows[i].label, 1);
}

TEST_F(Augmentation, OfAPairVariesOneTextWhileTheOtherIsAsItWas) {
  data::TaskSplit split;
  split.rows = {{.first = "red apples", .second = "plums ran", .label = 1}};
  int firsts = 0, seconds = 0;
  for (const auto& row : augment(split, {.variants = 8, .share = 0.6}).rows) {
    EXPECT_TRUE(row.first == "red apples" || row.second == "plums ran");
    firsts += row.first != "red apples";
    seconds += row.second != "plums ran";
  }
  EXPECT_GT(firsts, 0);
  EXPECT_GT(seconds, 0);
}

TEST_F(Augmentation, IsTheSameForTheSameSeed) {
  data::TaskSplit split;
  split.rows = {{.first = "red apples ran"}, {.first = "red apples ran"}};
  const auto once = augment(split, {}), again = augment(split, {});
  ASSERT_EQ(once.rows.size(), again.rows.size());
  for (std::size_t i = 0; i < once.rows.size(); ++i) EXPECT_EQ(once.rows[i].first, again.rows[i].first);
}

TEST_F(Augmentation, OfNoVariantsIsTheSplitItself) {
  data::TaskSplit split;
  split.rows = {{.first = "red apples"}};
  EXPECT_EQ(augment(split, {.variants = 0}).rows.size(), 1u);
}

TEST_F(Augmentation, RefusesLabelsThatPointIntoTheText) {
  EXPECT_THROW(augmented({}, data::TaskKind::kTags, candidates_, {}, Seed(1)), UserError);
  EXPECT_THROW(augmented({}, data::TaskKind::kSpan, candidates_, {}, Seed(1)), UserError);
}

}  // namespace
}  // namespace limbeck::synthesis
