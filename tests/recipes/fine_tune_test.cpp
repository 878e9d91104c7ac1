#include "recipes/fine_tune.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/message_of.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

class FineTune : public TinyTask {
 protected:
  FineTuneOptions options() {
    models::save_encoder(folder_ / "body", *encoder({}), *word_piece_tokenizer());
    FineTuneOptions options;
    options.model = (folder_ / "body").string();
    options.resamples = 100;
    options.data = film_data();
    options.precision = Precision::kFp32;
    options.train = {.epochs = 5, .batch_size = 16, .learning_rate = 3e-3, .warmup_steps = 0};
    return options;
  }
};

TEST_F(FineTune, BeatsTheHeadAloneAndTheMajorityAndLeavesATableAndAModel) {
  const FineTuneOptions own = options();
  const limbeck::Run folder = run();
  run_fine_tune(own, folder);
  const Json table = read_json(folder.path("table.json"));
  const auto accuracy = [&](int arm) { return table["arms"][arm]["figures"]["accuracy"]["value"].get<double>(); };
  EXPECT_EQ(table["arms"][0]["arm"], "majority");
  EXPECT_LT(accuracy(0), 0.7);
  EXPECT_GT(accuracy(2), 0.9);
  EXPECT_GT(accuracy(2), accuracy(1) - 1e-9);
  EXPECT_TRUE(std::filesystem::exists(folder.path("report.html")));
  const auto again = models::load_encoder(folder.path("model"));
  EXPECT_EQ(again.model->head().labels, (std::vector<std::string>{"negative", "positive"}));
  EXPECT_FALSE(again.fresh_head);
  // The same line once more reads what is there and writes the same table.
  const std::string before = read_file(folder.path("table.json"));
  run_fine_tune(own, folder);
  EXPECT_EQ(read_file(folder.path("table.json")), before);
}

TEST_F(FineTune, ItsInputsAreTheDataAndTheModel) {
  FineTuneOptions own = options();
  EXPECT_EQ(own.inputs().size(), 4u);
  own.arms = {"prob"};
  Fields fields = fields_of(own);
  EXPECT_NE(message_of<UserErrors>([&] { read_options(fields, "", {}); }).find("arms: expected some of"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::recipes
