#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/json.h"
#include "base/seeds.h"
#include "cli/program.h"
#include "data/byte_tokenizer.h"
#include "models/formula_weights.h"

namespace limbeck {
namespace {

using Flags = std::vector<std::string>;

class Train : public testing::Test {
 protected:
  void SetUp() override {
    setenv("OMP_NUM_THREADS", "1", 1);  // so small a model runs no faster on more
    const auto model = models::small_model({{"vocab_size", 257}, {"eos_token_id", 256}, {"bos_token_id", 256}});
    models::save_pretrained(folder_ / "tiny", *model, *byte_tokenizer());
    std::string rows;
    for (int i = 0; i < 24; ++i)
      rows += to_line({{"prompt", fmt::format("{} + 1 =", i)}, {"completion", fmt::format(" {}", i + 1)}}) + "\n";
    write_file_atomically(folder_ / "pairs.jsonl", rows);
  }

  Flags flags(const std::string& out, const Flags& more = {}) const {
    Flags all{"train",
              "--model=" + (folder_ / "tiny").string(),
              "--out=" + (folder_ / out).string(),
              "--train.batch-size=4",
              "--train.learning-rate=0.003",
              "--train.warmup-steps=4"};
    if (std::none_of(more.begin(), more.end(), [](const auto& flag) { return flag.starts_with("--data="); }))
      all.push_back("--data=" + (folder_ / "pairs.jsonl").string());
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Outcome train(const std::string& out, const Flags& more = {}) const { return run_program(flags(out, more)); }

  // Expects exit code 2 and a message with every part.
  void expect_mistake(const Outcome& outcome, const std::vector<std::string>& parts) {
    EXPECT_EQ(outcome.code, 2) << outcome.error;
    for (const auto& part : parts)
      EXPECT_NE(outcome.error.find(part), std::string::npos) << part << " in " << outcome.error;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "model"));
  }
  std::string data(const std::string& lines) {
    write_file_atomically(folder_ / "data.jsonl", lines);
    return "--data=" + (folder_ / "data.jsonl").string();
  }
  std::string weights(const std::string& out) const { return read_file(folder_ / out / "model" / "model.safetensors"); }

  TemporaryFolder folder_;
};

TEST_F(Train, LeavesAModelFolderThatLoadsAndHasLearned) {
  const auto outcome = train("out", {"--train.epochs=8", "--dev=" + (folder_ / "pairs.jsonl").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.out.find("24 rows"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("lowest loss"), std::string::npos) << outcome.out;
  const auto loaded = models::load_pretrained(folder_ / "out" / "model");
  EXPECT_EQ(loaded.model->config().vocab_size, 257);
  double first = 0, last = 0;
  read_jsonl(folder_ / "out" / "log.jsonl", [&](const Json& row, int64_t) {
    if (row["kind"] != "step") return;
    if (row["step"] == 1) first = row["loss"];
    last = row["loss"];
  });
  EXPECT_LT(last, 0.6 * first);
  const auto again = train("out", {"--train.epochs=8", "--dev=" + (folder_ / "pairs.jsonl").string()});
  EXPECT_EQ(again.code, 0);
  EXPECT_NE(again.out.find("this run is done"), std::string::npos) << again.out;
}

TEST_F(Train, LoraLeavesAnAdapterAndTheModelWithItMerged) {
  const Flags lora = {"--lora.rank=4",       "--lora.alpha=16",
                      "--lora.dropout=0.05", "--lora.targets=q_proj,v_proj,down_proj",
                      "--train.epochs=6",    "--train.learning-rate=0.02"};
  const auto outcome = train("out", lora);
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.out.find("LoRA:"), std::string::npos) << outcome.out;
  const auto merged = models::load_pretrained(folder_ / "out" / "model");
  const auto adapted = models::load_pretrained(folder_ / "out" / "adapter");
  const auto base = models::load_pretrained(folder_ / "tiny");
  const at::Tensor ids = at::arange(60, 75, at::kLong);
  const at::Tensor logits = models::logits_of_document(*merged.model, ids);
  EXPECT_TRUE(at::allclose(logits, models::logits_of_document(*adapted.model, ids), 1e-4, 1e-4));
  EXPECT_FALSE(at::allclose(logits, models::logits_of_document(*base.model, ids), 1e-2, 1e-2));
  const auto again = train("again", lora);
  ASSERT_EQ(again.code, 0) << again.error;
  EXPECT_EQ(weights("again"), weights("out"));
  // An adapter is a model to every verb.
  write_file_atomically(folder_ / "texts.jsonl", std::string("{\"text\":\"3 + 1 = 4\"}\n"));
  const auto scored =
      run_program({"score", "--model=" + (folder_ / "out" / "adapter").string(),
                   "--input=" + (folder_ / "texts.jsonl").string(), "--out=" + (folder_ / "scores.jsonl").string()});
  EXPECT_EQ(scored.code, 0) << scored.error;
  const auto wrong = train("wrong", {"--lora.rank=4", "--lora.targets=c_attn"});
  EXPECT_EQ(wrong.code, 2);
  for (const char* part : {"targets", "c_attn", "q_proj"}) EXPECT_NE(wrong.error.find(part), std::string::npos) << part;
}

TEST_F(Train, TrainsASliceOfTheModel) {
  ASSERT_EQ(train("sliced", {"--layers=2", "--train.max-steps=2", "--stored=bf16"}).code, 0);
  EXPECT_EQ(models::load_pretrained(folder_ / "sliced" / "model").model->config().num_hidden_layers, 2);
  expect_mistake(train("out", {"--layers=4"}), {"at most 3", "received 4"});
}

TEST_F(Train, GivesTheSameBytesTwice) {
  ASSERT_EQ(train("a", {"--train.max-steps=5"}).code, 0);
  ASSERT_EQ(train("b", {"--train.max-steps=5"}).code, 0);
  EXPECT_EQ(weights("a"), weights("b"));
  ASSERT_EQ(train("c", {"--train.max-steps=5", "--seed=2"}).code, 0);
  EXPECT_NE(weights("a"), weights("c"));
}

TEST_F(Train, LearnsFromATeachersDistributionsWithTheSameBytesTwice) {
  const Flags flags{"--teacher=" + (folder_ / "tiny").string(),
                    "--layers=2",
                    "--kd.temperature=2",
                    "--train.epochs=8",
                    "--kd.cross-entropy=0",
                    "--dev=" + (folder_ / "pairs.jsonl").string()};
  const auto outcome = train("a", flags);
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  double first = 0, last = 0;
  read_jsonl(folder_ / "a" / "log.jsonl", [&](const Json& row, int64_t) {
    if (row["kind"] != "step") return;
    if (row["step"] == 1) first = row["terms"]["divergence"];
    last = row["terms"]["divergence"];
    EXPECT_EQ(row["loss"], row["terms"]["divergence"]) << "the cross-entropy has no weight";
    EXPECT_GT(row["terms"]["cross_entropy"], 0) << "but stands in the log";
  });
  EXPECT_LT(last, 0.7 * first);
  ASSERT_EQ(train("b", flags).code, 0);
  EXPECT_EQ(weights("a"), weights("b"));
  ASSERT_EQ(train("plain", {"--layers=2", "--train.epochs=8"}).code, 0);
  EXPECT_NE(weights("a"), weights("plain"));
}

TEST_F(Train, RefusesATeacherWhoseVocabularyIsAnother) {
  const auto model = models::small_model({{"vocab_size", 257}, {"eos_token_id", 256}, {"bos_token_id", 256}});
  auto spec = byte_tokenizer()->spec();
  std::swap(spec.tokens['x'], spec.tokens['y']);
  models::save_pretrained(folder_ / "other", *model, *text::Tokenizer::from_spec(spec));
  expect_mistake(train("out", {"--teacher=" + (folder_ / "other").string()}),
                 {"[teacher]", "token 120 is 'x' in the first and 'y' in the second (2 of 257 differ)"});
}

TEST_F(Train, RefusesTheFolderOfOtherOptions) {
  ASSERT_EQ(train("run", {"--train.max-steps=2"}).code, 0);
  const auto outcome = train("run", {"--train.max-steps=3"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("train.max_steps: 2 there, 3 now"), std::string::npos) << outcome.error;
}

TEST_F(Train, NamesABadLineInTheMiddle) {
  expect_mistake(train("out", {data("{\"text\":\"a\"}\n{\"text\":\n{\"text\":\"b\"}\n")}), {"data.jsonl:2"});
  expect_mistake(train("out2", {data("{\"text\":\"a\"}\n{\"txt\":\"b\"}\n")}), {"data.jsonl:2", "txt"});
}

TEST_F(Train, RefusesAnEmptyDataSet) {
  expect_mistake(train("out", {data("\n")}), {"data.jsonl", "at least one row"});
}

TEST_F(Train, RefusesRowsLongerThanTheContextUnlessTold) {
  const std::string row = to_line({{"text", std::string(80, 'a')}}) + "\n";
  expect_mistake(train("out", {data(row)}), {"data.jsonl:1", "at most 64 tokens but received 81"});
  const auto cut = train("cut", {data(row), "--text.overflow=truncate", "--train.max-steps=1"});
  EXPECT_EQ(cut.code, 0) << cut.error;
  EXPECT_NE(cut.out.find("1 rows cut"), std::string::npos) << cut.out;
}

TEST_F(Train, RefusesMissingFilesAndOptionsOutOfRangeAtOnce) {
  const auto outcome =
      run_program({"train", "--model=" + (folder_ / "none").string(), "--data=" + (folder_ / "no.jsonl").string(),
                   "--out=" + (folder_ / "out").string(), "--train.epochs=0", "--trian.epochs=3"});
  expect_mistake(outcome, {"none", "no.jsonl", "train.epochs", "trian.epochs"});
  expect_mistake(
      run_program({"train", "--model=" + (folder_ / "tiny").string(), "--data=" + (folder_ / "pairs.jsonl").string()}),
      {"--out"});
}

TEST_F(Train, RefusesAModelWhoseEmbeddingIsTooSmallForItsTokenizer) {
  const auto model = models::small_model({{"vocab_size", 200}, {"eos_token_id", 2}});
  models::save_pretrained(folder_ / "tiny", *models::small_model({{"vocab_size", 257}}), *byte_tokenizer());
  Json config = read_json(folder_ / "tiny" / "config.json");
  config["vocab_size"] = 200;
  write_json(folder_ / "tiny" / "config.json", config);
  const auto outcome = train("out");
  EXPECT_NE(outcome.code, 0);
  EXPECT_NE(outcome.error.find("200"), std::string::npos) << outcome.error;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "model"));
}

class SlowTrain : public Train {
 protected:
  const Flags long_run_{"--train.max-steps=150", "--train.checkpoint-every=20", "--train.evaluate-every=30"};

  // Starts the program, sends the signal once `steps` steps are in the log, and returns how it ended.
  int stop_after(const std::string& out, int64_t steps, int signal) const {
    const pid_t pid = ::fork();
    if (pid == 0) {
      std::vector<std::string> args = flags(out, long_run_);
      std::vector<char*> argv{const_cast<char*>(LIMBECK_PROGRAM)};
      for (auto& arg : args) argv.push_back(arg.data());
      argv.push_back(nullptr);
      const int nothing = ::open("/dev/null", O_WRONLY);
      ::dup2(nothing, 1), ::dup2(nothing, 2);
      ::execv(LIMBECK_PROGRAM, argv.data());
      ::_exit(127);
    }
    int status = 0;
    for (int tries = 0; tries < 12000; ++tries) {
      if (::waitpid(pid, &status, WNOHANG) == pid) return status;
      if (steps_logged(out) >= steps) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ::kill(pid, signal);
    ::waitpid(pid, &status, 0);
    return status;
  }
  int64_t steps_logged(const std::string& out) const {
    const auto log = folder_ / out / "log.jsonl";
    if (!std::filesystem::exists(log)) return 0;
    const std::string text = read_file(log);
    int64_t rows = 0;
    for (auto at = text.find("\"kind\":\"step\""); at != std::string::npos; at = text.find("\"kind\":\"step\"", at + 1))
      ++rows;
    return rows;
  }
};

TEST_F(SlowTrain, SavesOnCtrlCSaysHowToGoOnAndEndsInTheSameBytes) {
  ASSERT_EQ(train("whole", long_run_).code, 0);
  const int status = stop_after("run", 35, SIGINT);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_GT(steps_logged("run"), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run" / "model"));
  const auto outcome = train("run", long_run_);
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.error.find("going on"), std::string::npos) << outcome.error;
  EXPECT_EQ(weights("run"), weights("whole"));
}

TEST_F(SlowTrain, EndsInTheSameBytesAfterKills) {
  ASSERT_EQ(train("whole", long_run_).code, 0);
  Random random{Seed(static_cast<uint64_t>(getpid()))};
  int killed = 0;
  for (int attempt = 0; attempt < 5; ++attempt)
    killed += WIFSIGNALED(stop_after("run", steps_logged("run") + 5 + static_cast<int64_t>(random.below(50)), SIGKILL));
  EXPECT_GT(killed, 1);
  EXPECT_EQ(train("run", long_run_).code, 0);
  EXPECT_EQ(weights("run"), weights("whole"));
}

}  // namespace
}  // namespace limbeck
