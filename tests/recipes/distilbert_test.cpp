// DistilBERT of a tiny BERT that has learned a little grammar, fine-tuned on telling its sentences apart.
#include "recipes/distilbert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_pretraining.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class DistilbertRun : public TinyPretraining {
 protected:
  DistilbertOptions options() const {
    DistilbertOptions o;
    o.teacher = taught_bert().string();
    o.arms = {"full", "mlm_random_init"};
    o.copy_transform = true;
    o.precision = Precision::kFp32;
    o.data = data();
    o.data.masking = {.from = data::MaskedFrom::kWholeBatch, .smoothing = 0.7};
    o.train = {.max_steps = 30, .batch_size = 16, .learning_rate = 3e-3, .clip_norm = 5, .warmup_steps = 3};
    return o;
  }
  std::string distil(const DistilbertOptions& o, const std::string& name) {
    ::testing::internal::CaptureStdout();
    try {
      run_distilbert(o, open_run(o, name, "distilbert"));
    } catch (...) {
      ::testing::internal::GetCapturedStdout();
      throw;
    }
    return ::testing::internal::GetCapturedStdout();
  }
  // The figure of an arm's masked language modelling.
  double figure(const std::string& name, const std::string& arm, const char* key) const {
    const Json table = read_json(folder_ / name / "pretraining.json");
    for (const Json& row : table["arms"])
      if (row["arm"] == arm) return row[key].get<double>();
    ADD_FAILURE() << "no arm " << arm;
    return 0;
  }
};

TEST_F(DistilbertRun, BringsTheStudentNearerToItsTeacherThanPretrainingAlone) {
  const std::string out = distil(options(), "run");
  EXPECT_THAT(out, HasSubstr("three losses, teacher's blocks"));
  EXPECT_LT(figure("run", "full", "loss"), figure("run", "mlm_random_init", "loss"));
  EXPECT_LT(figure("run", "full", "divergence"), figure("run", "mlm_random_init", "divergence"));
  EXPECT_LT(figure("run", "full", "parameters"), figure("run", "teacher", "parameters"));
  const auto student = models::load_encoder(folder_ / "run" / "model");
  EXPECT_EQ(student.model->config().model_type, "distilbert");
  EXPECT_EQ(student.model->config().num_hidden_layers, 2);
  EXPECT_EQ(losses(folder_ / "run" / "pretrained" / "full").size(), 30u);
}

TEST_F(DistilbertRun, StandsBesideTheDivergenceAloneAndTheBlocksAsTheyAre) {
  DistilbertOptions o = options();
  o.arms = {"full", "kl_alone", "untrained"};
  distil(o, "run");
  EXPECT_LT(figure("run", "kl_alone", "divergence"), figure("run", "untrained", "divergence"));
  EXPECT_NE(figure("run", "kl_alone", "loss"), figure("run", "full", "loss"));
  const auto pretrained = folder_ / "run" / "pretrained";
  EXPECT_EQ(losses(pretrained / "kl_alone").size(), 30u);
  EXPECT_TRUE(losses(pretrained / "untrained").empty());
  // As the teacher's first and last block stand there.
  const auto blocks = models::keep_layers(*models::load_encoder(taught_bert()).model, {0, 3});
  nn::Parameters whole, kept;
  blocks->parameters(whole);
  const auto untrained = models::load_encoder(pretrained / "untrained" / "model").model;
  untrained->parameters(kept);
  const auto product = [](nn::Parameters& p, const std::string& end) {
    for (const auto& parameter : p.list())
      if (parameter.name.ends_with(end)) return parameter.tensor->detach();
    throw Error("no parameter " + end);
  };
  EXPECT_TRUE(product(kept, "layer.1.ffn.lin1.weight").equal(product(whole, "layer.1.intermediate.dense.weight")));
}

TEST_F(DistilbertRun, HasThisSequenceOfLosses) {
  DistilbertOptions o = options();
  o.arms = {"full"};
  o.train.max_steps = 6;
  distil(o, "run");
  const auto found = losses(folder_ / "run" / "pretrained" / "full");
  const std::vector<double> expected = {2.9324, 2.9567, 2.8337, 2.4893, 2.4140, 3.1824};
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 5e-3) << i;
}

// Three methods in one run, by options alone: the student starts from the lower blocks (layer-drop's rule), learns by
// the three losses, and what remains is the mean of its weights (swa).
TEST_F(DistilbertRun, StartsFromTheBlocksOfARuleAndAveragesItsWeights) {
  const auto flags = [&](std::vector<std::string> more) {
    DistilbertOptions o = options();
    o.arms = {"full"};
    o.train.max_steps = 12;
    o.family = StudentFamily::kTeachers;
    Fields fields = fields_of(o);
    more.insert(more.end(), {"--rule=top", "--num-layers=3", "--train.schedule=plateau"});
    read_options(fields, "", more);
    return o;
  };
  distil(flags({}), "plain");
  distil(flags({"--train.averaging=swa", "--train.averaging-start=0.5", "--train.averaging-every=2"}), "mean");
  EXPECT_EQ(read_json(folder_ / "mean" / "pretraining.json")["blocks"], (Json{0, 1, 2}));
  const auto log = [&](const char* name) { return losses(folder_ / name / "pretrained" / "full"); };
  EXPECT_EQ(log("mean"), log("plain")) << "training is the same; the mean is beside it";
  const auto weight = [&](const char* name) {
    nn::Parameters parameters;
    const auto model = models::load_encoder(folder_ / name / "model").model;
    EXPECT_EQ(model->config().num_hidden_layers, 3);
    model->parameters(parameters);
    return parameters.list().front().tensor->detach().clone();
  };
  const at::Tensor mean = weight("mean"), last = weight("plain");
  EXPECT_GT((mean - last).abs().max().item<double>(), 1e-5);
  EXPECT_NE(figure("mean", "full", "loss"), figure("plain", "full", "loss"));
}

TEST_F(DistilbertRun, ChoosesBlocksByWhatTheyContributeToHeldOutTexts) {
  DistilbertOptions o = options();
  o.arms = {"full"};
  o.train.max_steps = 1;
  o.rule = models::DropRule::kContribution;
  o.num_layers = 1;
  distil(o, "run");
  EXPECT_EQ(read_json(folder_ / "run" / "pretraining.json")["blocks"].size(), 1u);
  o.rule = models::DropRule::kAlternateOdd;
  EXPECT_THAT(message_of<UserError>([&] { distil(o, "other"); }), HasSubstr("expected at most 2 blocks to drop"));
}

TEST_F(DistilbertRun, FineTunesEachArmOnATask) {
  std::string rows = "text,label\n";
  for (uint64_t i = 0; i < 24; ++i) rows += sentence(i) + "," + (i % 6 < 3 ? "first" : "second") + "\n";
  write_file_atomically(folder_ / "rows.csv", rows);
  DistilbertOptions o = options();
  o.arms = {"full"};
  o.train.max_steps = 10;
  o.family = StudentFamily::kTeachers;
  o.layers = {0, 2};
  const std::string file = (folder_ / "rows.csv").string();
  o.task.data.source.data = {file}, o.task.data.source.test = {file};
  o.task.data.source.text = {"text"}, o.task.data.source.label = "label";
  o.task.seeds = 2, o.task.resamples = 100;
  o.task.train = {.max_steps = 40, .batch_size = 8, .learning_rate = 3e-3, .warmup_steps = 0, .keep_best = false};
  distil(o, "run");
  const Json table = read_json(folder_ / "run" / "table.json");
  ASSERT_EQ(table["arms"].size(), 2u);  // the teacher and the student
  for (const Json& arm : table["arms"]) EXPECT_GT(arm["figures"]["accuracy"]["value"].get<double>(), 0.9) << arm;
  EXPECT_EQ(models::load_encoder(folder_ / "run" / "model").model->config().model_type, "bert");
  // Asked for again, it reads what is there.
  EXPECT_THAT(distil(o, "run"), HasSubstr("held-out loss"));
}

TEST_F(DistilbertRun, RefusesATeacherWithoutAMaskedLanguageModel) {
  const auto body = models::load_encoder(taught_bert(), models::Head{});
  models::save_encoder(folder_ / "body", *body.model, *body.tokenizer);
  DistilbertOptions o = options();
  o.teacher = (folder_ / "body").string();
  EXPECT_THAT(message_of<UserError>([&] { distil(o, "run"); }), HasSubstr("has none"));
  o = options();
  o.arms = {"ful"};
  Fields fields = fields_of(o);
  EXPECT_THAT(message_of<UserErrors>([&] { read_options(fields, "", {}); }), HasSubstr("did you mean 'full'?"));
}

}  // namespace
}  // namespace limbeck::recipes
