#include "recipes/linear_probe.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "formats/safetensors.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

class LinearProbes : public TinyTask {
 protected:
  LinearProbe probe(nn::Pooling pooling = nn::Pooling::kMean) {
    return {.pooling = pooling, .train = {.epochs = 20, .batch_size = 16, .learning_rate = 1e-2, .warmup_steps = 0}};
  }
  double right(const TaskArm& arm) {
    return evaluation::task_metric("accuracy", task_.data, task_.data.test, arm.runs.front());
  }
  OpenTask task_ = open(film_data());
  ArmContext context_{.task = task_, .precision = Precision::kFp32};
};

TEST_F(LinearProbes, ReadTheWordsOfATextInTheMeanOfARandomBody) {
  const auto body = encoder(head_of(task_.data));
  const limbeck::Run in = run();
  const TaskArm arm = probe_arm(probe(), *body, context_, in);
  EXPECT_GT(right(arm), 0.95) << "which word there is stands in the mean of the states";
  EXPECT_EQ(arm.num_trained, 32 * 2 + 2);
  EXPECT_GT(arm.speed.one, 0);
  EXPECT_FALSE(std::filesystem::exists(in.path("probe/model")));
}

TEST_F(LinearProbes, AreTheirSavedProductOfTheStates) {
  const auto body = encoder(head_of(task_.data));
  const limbeck::Run in = run();
  const TaskArm arm = probe_arm(probe(nn::Pooling::kFirst), *body, context_, in);
  const auto file = formats::open_safetensors(in.path("probe/probe.safetensors"));
  const data::Batch batch = data::collate({task_.test.examples[4]});
  const at::Tensor state = task_pass(*body, batch).output.hidden[0].detach();
  const at::Tensor read = (state - file->read("mean")) / file->read("deviation");
  const at::Tensor logits = at::matmul(read, file->read("weight")) + file->read("bias");
  const auto& probabilities = arm.runs.front()[4].probabilities;
  EXPECT_NEAR(logits.softmax(0)[1].item<double>(), probabilities[1], 1e-5);
}

TEST_F(LinearProbes, AreReadTheSecondTime) {
  const auto body = encoder(head_of(task_.data));
  const limbeck::Run in = run();
  context_.num_seeds = 2;
  const TaskArm arm = probe_arm(probe(), *body, context_, in);
  const std::string log = read_file(in.path("probe-2/log.jsonl"));
  const TaskArm again = probe_arm(probe(), *body, context_, in);
  EXPECT_EQ(again.runs.size(), 2u);
  EXPECT_EQ(again.runs[1][7].probabilities, arm.runs[1][7].probabilities);
  EXPECT_EQ(read_file(in.path("probe-2/log.jsonl")), log) << "nothing was trained again";
}

TEST_F(LinearProbes, TagEachWordByItsOwnState) {
  std::string columns;
  for (const char* word : {"good", "bad", "film", "good", "film", "bad", "bad", "good"})
    columns += std::string(word) + " " + (std::string(word) == "film" ? "O" : "B-X") + "\n\n";
  const std::string file = write("tags.conll", columns);
  write("tags.toml",
        "kind = \"tags\"\nformat = \"columns\"\ntrain = [\"tags.conll\"]\ntest = [\"tags.conll\"]\n"
        "text = [\"words\"]\nlabel = \"tags\"\nmetrics = [\"token_accuracy\"]\n");
  const OpenTask tags = open({.source = {.task = (folder_ / "tags.toml").string()}});
  const auto body = encoder(head_of(tags.data));
  const TaskArm arm = probe_arm(probe(), *body, {.task = tags, .precision = Precision::kFp32}, run());
  EXPECT_EQ(evaluation::task_metric("token_accuracy", tags.data, tags.data.test, arm.runs.front()), 1);
}

}  // namespace
}  // namespace limbeck::recipes
