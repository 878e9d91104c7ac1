#include "recipes/ekt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <map>

#include "base/message_of.h"
#include "net/loopback_server.h"
#include "recipes/tiny_ekt.h"
#include "synthesis/samples.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kSameBytes = {"samples.jsonl",
                                             "dropped.jsonl",
                                             "table.json",
                                             "table.md",
                                             "report.html",
                                             "model/model.safetensors",
                                             "model/config.json",
                                             "teacher/test/samples.jsonl",
                                             "arms/ekt/pairs.jsonl",
                                             "arms/unfiltered/pairs.jsonl",
                                             "arms/ekt/test/samples.jsonl"};

// All but the section on where the time went, which no two runs share.
std::map<std::string, std::string> bytes_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> bytes;
  for (const auto& name : kSameBytes) bytes[name] = read_file(folder / name);
  std::string& report = bytes["report.html"];
  const auto begin = report.find("Where the time went"), end = report.find("How it was run");
  EXPECT_LT(begin, end);
  report.erase(begin, end - begin);
  return bytes;
}

class Ekt : public TinyEkt {
 protected:
  std::string run(const std::string& name) {
    ::testing::internal::CaptureStdout();
    try {
      run_ekt(options_, open_run(name));
    } catch (...) {
      ::testing::internal::GetCapturedStdout();
      throw;
    }
    return ::testing::internal::GetCapturedStdout();
  }
};

TEST_F(Ekt, EndsWithAStudentATableAndAReport) {
  const std::string said = run("run");
  for (const char* text :
       {"Teacher, few-shot", "Student, few-shot", "Student, unfiltered", "Student, EKT", "pass@1 %", "report.html"})
    EXPECT_THAT(said, HasSubstr(text));
  const Json table = read_json(folder_ / "run/table.json");
  ASSERT_EQ(table.at("rows").size(), 4u);
  EXPECT_EQ(table.at("rows")[3].at("arm"), "ekt");
  const auto& funnel = table.at("funnel");
  EXPECT_EQ(funnel.at("samples"), 44) << "14 problems less 3 held out, 4 samples each";
  EXPECT_GT(funnel.at("kept").get<int>(), 0);
  EXPECT_EQ(table.at("rows")[2].at("num_pairs"), table.at("rows")[3].at("num_pairs")) << "unfiltered has as many pairs";
  EXPECT_EQ(table.at("rows")[3].at("num_pairs"), funnel.at("kept"));
  const auto student = models::load_pretrained(folder_ / "run/model");
  EXPECT_EQ(student.model->config().num_hidden_layers, 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/arms/ekt/checkpoint-1"));
}

TEST_F(Ekt, EveryRejectedSampleHasAReason) {
  run("run");
  int kept = 0;
  for (const auto& sample : synthesis::read_samples(folder_ / "run/samples.jsonl")) {
    EXPECT_EQ(sample.reason == "kept", sample.kept);
    EXPECT_FALSE(sample.reason.empty());
    if (sample.kept) EXPECT_TRUE(sample.passed());
    kept += sample.kept;
  }
  EXPECT_EQ(kept, read_json(folder_ / "run/table.json").at("funnel").at("kept"));
}

// What a kill can leave: any of the files missing or cut short. Each is made again to the same bytes.
TEST_F(Ekt, GoesOnFromWhatIsThereToTheSameBytes) {
  run("run");
  const auto undisturbed = bytes_of(folder_ / "run");
  const std::vector<std::pair<std::string, std::vector<std::string>>> losses = {
      {"nothing", {}},
      {"results", {"table.json", "table.md", "report.html"}},
      {"the student", {"model", "arms/ekt/test", "arms/ekt/likelihood.json", "table.json"}},
      {"an arm", {"arms/unfiltered", "table.json"}},
      {"all but samples", {"arms", "teacher", "model", "table.json", "table.md", "report.html"}}};
  for (const auto& [what, names] : losses) {
    for (const auto& name : names) std::filesystem::remove_all(folder_ / "run" / name);
    run("run");
    EXPECT_EQ(bytes_of(folder_ / "run"), undisturbed) << "lost: " << what;
  }
  const std::string samples = undisturbed.at("samples.jsonl");
  std::filesystem::remove_all(folder_ / "run/arms");
  std::filesystem::remove_all(folder_ / "run/model");
  write_file_atomically(folder_ / "run/samples.jsonl", samples.substr(0, samples.size() / 2));
  run("run");
  EXPECT_EQ(bytes_of(folder_ / "run"), undisturbed) << "lost: half of the samples";
}

// No file of this process may be longer, which fails write(2) half-way as a full disk does and needs no rights.
class LargestFile {
 public:
  explicit LargestFile(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~LargestFile() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  LargestFile(const LargestFile&) = delete;
  LargestFile& operator=(const LargestFile&) = delete;

 private:
  sighandler_t handler_;
  rlimit before_ = {};
};

TEST_F(Ekt, GoesOnToTheSameBytesAfterADiskThatTookNoMore) {
  run("undisturbed");
  const auto samples = std::filesystem::file_size(folder_ / "undisturbed/samples.jsonl");
  const auto weights = std::filesystem::file_size(folder_ / "undisturbed/model/model.safetensors");
  ASSERT_GT(weights, 2 * samples);
  // In the midst of the teacher's samples, then when a student is saved.
  for (const auto& [bytes, what] : {std::pair{samples / 2, "samples.jsonl"}, std::pair{weights / 2, ".safetensors"}}) {
    const std::string said = message_of<Error>([&, most = bytes] {
      const LargestFile limit(most);
      run("run");
    });
    EXPECT_THAT(said, HasSubstr("cannot write: File too large"));
    EXPECT_THAT(said, HasSubstr(what));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/model"));
  run("run");
  EXPECT_EQ(bytes_of(folder_ / "run"), bytes_of(folder_ / "undisturbed"));
}

TEST_F(Ekt, RunsEveryArmFromOneCommandToTheSameBytesAndSharesTheTeachersSamples) {
  options_.arms = {"all"};
  options_.weaker_teacher = options_.teacher;
  options_.train.max_steps = 4;
  options_.expert = {.rounds = 2, .batch_size = 4, .epochs = 1, .start = ExpertStart::kUnfiltered};
  const std::string said = run("run");
  const Json table = read_json(folder_ / "run/table.json");
  std::vector<std::string> arms;
  for (const auto& row : table.at("rows")) arms.push_back(row.at("arm"));
  EXPECT_EQ(arms, (std::vector<std::string>{"teacher", "few_shot", "unfiltered", "ekt", "expert_iteration",
                                            "distillation", "random_programs", "weaker"}));
  for (const char* title : {"Student, expert iteration", "Student, logit distillation", "Random programs"}) {
    EXPECT_THAT(said, HasSubstr(title));
    EXPECT_THAT(read_file(folder_ / "run/report.html"), HasSubstr(title));
  }
  EXPECT_EQ(read_file(folder_ / "run/arms/weaker/samples.jsonl"), read_file(folder_ / "run/samples.jsonl"))
      << "the same teacher, prompts and seeds";
  const auto lost = {"arms/expert_iteration/model", "arms/distillation/model", "arms/random_programs", "table.json"};
  const auto before = read_file(folder_ / "run/table.json");
  for (const char* name : lost) std::filesystem::remove_all(folder_ / "run" / name);
  run("run");
  EXPECT_EQ(read_file(folder_ / "run/table.json"), before);
}

TEST_F(Ekt, DoesWithoutTheTeachersOwnFiguresWhereItHasNone) {
  std::string lines;
  for (int box = 0; box < 9; ++box)
    lines +=
        to_line({{"id", "p" + std::to_string(box)}, {"text", "\nanswer = " + std::to_string(box % 3) + "\n"}}) + "\n";
  write_file_atomically(folder_ / "recorded.jsonl", lines);
  options_.student = options_.teacher;
  options_.teacher = (folder_ / "recorded.jsonl").string();
  options_.k = 1;
  options_.arms = {"ekt"};
  options_.train.max_steps = 2;
  options_.measure_teacher = false;
  EXPECT_THAT(message_of<UserErrors>([&] { run("refused"); }), HasSubstr("expected 1 samples of 'p9' but found 0"));
  options_.missing_samples = teachers::Missing::kEmpty;
  run("run");
  const Json table = read_json(folder_ / "run/table.json");
  ASSERT_EQ(table.at("rows").size(), 1u);
  EXPECT_GT(table.at("rows")[0].at("num_pairs").get<int>(), 4) << "of nine that are recorded, some held out";
  EXPECT_LT(table.at("rows")[0].at("num_pairs").get<int>(), 10);
}

TEST_F(Ekt, SaysWhenNoSampleIsRight) {
  write_file_atomically(folder_ / "train.jsonl", to_line({{"id", "x"}, {"question", "Box 3?"}, {"answer", 77}}) + "\n");
  EXPECT_THAT(message_of<UserError>([&] { run_ekt(options_, open_run("run")); }), HasSubstr("none of 4 samples did"));
}

TEST_F(Ekt, ARunWithOtherOptionsDoesNotReuseTheFolder) {
  write_file_atomically(open_run("run").path("samples.jsonl"), "{}\n");
  options_.k = 5;
  EXPECT_THAT(message_of<UserError>([&] { open_run("run"); }), HasSubstr("option k: 4 there, 5 now"));
}

// "Box 7?" at the end of a few-shot prompt is answered by 7 % 3, twice of three times.
net::LoopbackServer::Reply box_program(const net::LoopbackServer::Received& received) {
  const Json request = Json::parse(received.body);
  const auto prompt = request.at("prompt").get<std::string>();
  const int box = std::stoi(prompt.substr(prompt.rfind("Box ") + 4));
  Json choices = Json::array();
  for (int i = 0; i < request.at("n").get<int>(); ++i)
    choices.push_back({{"index", i}, {"text", "\nanswer = " + std::to_string((box + i / 2) % 3)}});
  return {net::LoopbackServer::response(
      200, to_line({{"choices", choices}, {"usage", {{"prompt_tokens", 9}, {"completion_tokens", 9}}}}))};
}

TEST_F(Ekt, AServedTeacherIsAskedOnceAndItsKeyIsInNoFile) {
  const std::string key = "sk-5up3rs3cr3tk3y";
  int64_t num_asked = 0;
  const auto write_teacher = [&](const std::string& url, int64_t cap) {
    write_file_atomically(folder_ / "teacher.toml",
                          fmt::format("model = \"big\"\n[server]\nurls = [\"{}\"]\napi_key_env = "
                                      "\"LIMBECK_TEST_EKT_KEY\"\nretries = 0\n[cap]\ntokens = {}\n",
                                      url, cap));
  };
  ::setenv("LIMBECK_TEST_EKT_KEY", key.c_str(), 1);
  options_.student = options_.teacher;
  options_.teacher = (folder_ / "teacher.toml").string();
  options_.eval.greedy = false;
  {
    std::atomic<bool> has_key = true;
    const net::LoopbackServer server([&](const net::LoopbackServer::Received& received) {
      has_key = has_key && received.head.find("Bearer " + key) != std::string::npos;
      return box_program(received);
    });
    write_teacher(server.url(), 760);
    EXPECT_THAT(message_of<UserError>([&] { run("run"); }), HasSubstr("the cap of 760 tokens is reached"));
    num_asked = server.num_requests();
    EXPECT_GT(num_asked, 2);
    EXPECT_LT(num_asked, 11);
    write_teacher(server.url(), 100'000);
    EXPECT_THAT(run("run"), HasSubstr("Student, EKT"));
    EXPECT_EQ(server.num_requests(), 11 + 6)
        << "each training question once, three being held out, and each test question";
    EXPECT_TRUE(has_key);
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "run"))
    if (entry.is_regular_file()) {
      EXPECT_EQ(read_file(entry.path()).find(key), std::string::npos) << entry.path();
    }
}

}  // namespace
}  // namespace limbeck::recipes
