// A whole Fine-tune-CoT run in seconds: problems "Box 7?", answers 0, 1 or 2, a teacher that was taught to reason about
// them and to say what follows.
#include "recipes/fine_tune_cot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/message_of.h"
#include "recipes/tiny_ekt.h"
#include "synthesis/samples.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

// "Q: Box 7?\nA: Let's think step by step." -> " it is N" for N = 0, 1, 2 at random; then the answer N.
const std::filesystem::path& reasoning_teacher() {
  static const TemporaryFolder folder;
  static const std::filesystem::path path = [] {
    Progress::be_quiet(true);
    const models::Pretrained model = synthesis::tiny_model();
    std::vector<data::Row> rows;
    for (int box = 0; box < 96; ++box) {
      const std::string asked = "Q: Box " + std::to_string(box % 32) + "?\nA: Let's think step by step.";
      const std::string reason = " it is " + std::to_string(box / 32);
      rows.push_back(data::pair_row(asked, reason));
      rows.push_back(data::pair_row(asked + reason + "\nTherefore, the answer is", " " + std::to_string(box / 32)));
    }
    const auto examples = data::encode_rows(rows, *model.tokenizer, limits_of(model), {}, "boxes").examples;
    train::Hooks hooks;
    train::fit(trainable(*model.model), examples, sft_step(*model.model, Precision::kFp32),
               {.max_steps = 160, .batch_size = 16, .learning_rate = 1e-2, .warmup_steps = 5},
               limbeck::Run::open(folder / "run", "teach", "", {}, Seed(1)), hooks);
    models::save_pretrained(folder / "teacher", *model.model, *model.tokenizer);
    return folder / "teacher";
  }();
  return path;
}

class FineTuneCotRun : public ::testing::Test {
 protected:
  void SetUp() override {
    Progress::be_quiet(true);
    at::set_num_threads(1);
    write_problems("train.jsonl", 0, 14);
    write_problems("test.jsonl", 14, 6);
    options_.teacher = reasoning_teacher().string();
    options_.problems = (folder_ / "train.jsonl").string();
    options_.test_problems = (folder_ / "test.jsonl").string();
    options_.student_layers = 2;
    options_.diverse = 4;
    options_.dev_fraction = 0.15;
    options_.student_tokens = 24;
    options_.resamples = 100;
    options_.precision = Precision::kFp32;
    options_.sampling = {.max_new_tokens = 16, .temperature = 1};
    options_.train = {.epochs = 3, .batch_size = 4, .learning_rate = 5e-3, .warmup_steps = 0};
  }
  void write_problems(const std::string& name, int first, int count) {
    std::string lines;
    for (int box = first; box < first + count; ++box)
      lines += to_line({{"id", "p" + std::to_string(box)},
                        {"question", "Box " + std::to_string(box) + "?"},
                        {"answer", box % 3}}) +
               "\n";
    write_file_atomically(folder_ / name, lines);
  }
  std::string run(const std::string& name) {
    ::testing::internal::CaptureStdout();
    try {
      run_fine_tune_cot(options_, limbeck::Run::open(folder_ / name, "fine-tune-cot", to_toml(fields_of(options_)),
                                                     options_.inputs(), Seed(1)));
    } catch (...) {
      ::testing::internal::GetCapturedStdout();
      throw;
    }
    return ::testing::internal::GetCapturedStdout();
  }

  TemporaryFolder folder_;
  FineTuneCotOptions options_;
};

TEST_F(FineTuneCotRun, TrainsOnTheRationalesWhoseAnswersAreRightAndMeasuresEveryArm) {
  const std::string said = run("run");
  const Json table = read_json(folder_ / "run/table.json");
  std::map<std::string, int> texts;
  for (const auto& row : table.at("rows")) texts[row.at("arm")] = row.at("num_texts");
  ASSERT_EQ(texts.size(), 6u) << "the teacher and five arms";
  std::map<std::string, int> right;
  for (const char* store : {"greedy", "diverse"})
    for (const auto& sample : synthesis::read_samples(folder_ / "run" / store / "answers.jsonl"))
      right[store] += sample.passed();
  EXPECT_EQ(texts["cot"], right["greedy"]);
  EXPECT_EQ(texts["diverse"], right["diverse"]) << "every right rationale, copies included";
  EXPECT_EQ(texts["unfiltered"], 12) << "14 questions less 2 held out";
  EXPECT_EQ(texts["answers"], 12);
  EXPECT_GT(right["diverse"], right["greedy"]);
  for (const char* text : {"Teacher, two calls", "Student, Fine-tune-CoT", "accuracy %", "report.html"})
    EXPECT_THAT(said, HasSubstr(text));
  EXPECT_THAT(read_file(folder_ / "run/report.html"), HasSubstr("Student, answers only"));
}

TEST_F(FineTuneCotRun, TheSecondCallReadsTheRationaleAndItsFirstCandidateIsTheAnswer) {
  run("run");
  int checked = 0;
  const auto rationales = synthesis::read_samples(folder_ / "run/diverse/rationales.jsonl"),
             answers = synthesis::read_samples(folder_ / "run/diverse/answers.jsonl");
  ASSERT_EQ(rationales.size(), answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].id, rationales[i].id + "/" + std::to_string(rationales[i].sample));
    if (answers[i].verdict.detail.empty()) continue;
    EXPECT_THAT(answers[i].text, HasSubstr(answers[i].verdict.detail));
    ++checked;
  }
  EXPECT_GT(checked, 20);
}

// What a kill can leave: any of the files missing or cut short. Each is made again to the same bytes.
TEST_F(FineTuneCotRun, GoesOnFromWhatIsThereToTheSameBytes) {
  options_.arms = {"cot", "diverse"};
  const auto bytes = [&] {
    std::map<std::string, std::string> found;
    for (const char* name : {"table.json", "table.md", "report.html", "greedy/answers.jsonl",
                             "diverse/rationales.jsonl", "arms/cot/model/model.safetensors", "arms/diverse/test.jsonl"})
      found[name] = read_file(folder_ / "run" / name);
    return found;
  };
  run("run");
  const auto undisturbed = bytes();
  for (const auto& lost :
       std::vector<std::vector<std::string>>{{"table.json"}, {"arms"}, {"diverse", "arms/diverse"}}) {
    for (const auto& name : lost) std::filesystem::remove_all(folder_ / "run" / name);
    run("run");
    EXPECT_EQ(bytes(), undisturbed) << "lost: " << lost[0];
  }
  const std::string half = undisturbed.at("diverse/rationales.jsonl");
  write_file_atomically(folder_ / "run/diverse/rationales.jsonl", half.substr(0, half.size() / 2));
  std::filesystem::remove_all(folder_ / "run/diverse/answers.jsonl");
  std::filesystem::remove_all(folder_ / "run/arms");
  run("run");
  EXPECT_EQ(bytes(), undisturbed) << "lost: half of the rationales";
}

TEST_F(FineTuneCotRun, SaysWhenNoRationaleIsRight) {
  write_file_atomically(folder_ / "train.jsonl", to_line({{"id", "x"}, {"question", "Box 3?"}, {"answer", 77}}) + "\n");
  options_.arms = {"cot"};
  EXPECT_THAT(message_of<UserError>([&] { run("run"); }), HasSubstr("none of 1 has it"));
}

// What tells the worth of several rationales from the worth of more steps, and of reasoning from that of its look.
TEST_F(FineTuneCotRun, HasControlsOfStepsAndOfReasoningAndPromptsInThreeWays) {
  options_.arms = {"zero_shot", "few_shot_cot", "cot", "diverse", "repeated", "shuffled"};
  options_.examples = (folder_ / "examples.jsonl").string();
  options_.measure_teacher = false;
  write_file_atomically(options_.examples,
                        to_line({{"question", "Box 1?"}, {"rationale", "it is 1"}, {"answer", "1"}}) + "\n");
  run("run");
  std::map<std::string, Json> rows;
  const Json table = read_json(folder_ / "run/table.json");
  for (const auto& row : table.at("rows")) rows[row.at("arm")] = row;
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows["zero_shot"]["num_steps"], 0);
  EXPECT_EQ(rows["few_shot_cot"]["num_texts"], 0);
  EXPECT_EQ(rows["repeated"]["num_texts"], rows["cot"]["num_texts"]);
  EXPECT_EQ(rows["repeated"]["num_steps"], rows["diverse"]["num_steps"]);
  EXPECT_GT(rows["repeated"]["num_steps"], rows["cot"]["num_steps"]);
  EXPECT_EQ(rows["shuffled"]["num_steps"], rows["cot"]["num_steps"]);
  const auto steps = [&](const std::string& arm) {
    int64_t count = 0;
    read_jsonl(folder_ / "run/arms" / arm / "log.jsonl",
               [&](const Json& row, int64_t) { count += row.value("kind", "") == "step"; });
    return count;
  };
  EXPECT_EQ(steps("repeated"), rows["repeated"]["num_steps"]);
  EXPECT_EQ(synthesis::read_samples(folder_ / "run/arms/few_shot_cot/test.jsonl").size(), 6u);
}

}  // namespace
}  // namespace limbeck::recipes
