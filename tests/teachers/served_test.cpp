#include "teachers/served.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cmath>
#include <map>
#include <mutex>
#include <set>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "net/loopback_server.h"
#include "teachers/recorded.h"

namespace limbeck::teachers {
namespace {

using net::LoopbackServer;
using Reply = LoopbackServer::Reply;
using Received = LoopbackServer::Received;
using ::testing::HasSubstr;
using ::testing::Not;

using Texts = std::map<std::pair<int64_t, int64_t>, std::string>;

// What a sound server says: a text that the prompt, the seed and the place among the choices decide.
Json sound_answer(const Json& request, int64_t most = 1000) {
  Json choices = Json::array();
  const auto n = std::min(most, request.at("n").get<int64_t>());
  for (int64_t i = 0; i < n; ++i)
    choices.push_back({{"index", i},
                       {"text", request.at("prompt").get<std::string>() + " " +
                                    std::to_string(request.at("seed").get<int64_t>()) + "/" + std::to_string(i)},
                       {"finish_reason", "stop"}});
  return {
      {"id", "same-for-all"}, {"choices", choices}, {"usage", {{"prompt_tokens", 10}, {"completion_tokens", 5 * n}}}};
}

Reply sound(const Received& received) {
  return {LoopbackServer::response(200, to_line(sound_answer(Json::parse(received.body))))};
}

std::vector<Question> questions_of(int64_t count, int64_t num_samples) {
  std::vector<Question> questions;
  for (int64_t i = 0; i < count; ++i)
    questions.push_back({.id = "p" + std::to_string(i),
                         .prompt = "say " + std::to_string(i),
                         .num_samples = num_samples,
                         .seed = Seed(3).derive(static_cast<uint64_t>(i))});
  return questions;
}

ServedOptions options_for(const std::vector<std::string>& urls) {
  return {.dialect = {.model = "m"},
          .server = {
              .urls = urls, .concurrency = 16, .retries = 30, .timeout = 5, .first_wait = 0.002, .longest_wait = 0.02}};
}

Texts drawn(const ServedOptions& options, const std::filesystem::path& store, const std::vector<Question>& questions,
            const generate::SamplingOptions& sampling = {.max_new_tokens = 20}) {
  Texts texts;
  served_teacher(options, store)->sample(questions, sampling, [&](const generate::Sample& sample) {
    EXPECT_TRUE(texts.emplace(std::pair(sample.prompt_index, sample.sample_index), sample.text).second)
        << "a sample was handed out twice";
  });
  return texts;
}

TEST(Served, SamplesDoNotDependOnTheOrderInWhichAnswersCome) {
  const TemporaryFolder folder;
  const LoopbackServer slow([](const Received& received) {
    Reply reply = sound(received);
    reply.delay = static_cast<double>(received.number * 7919 % 10) * 1e-3;
    return reply;
  });
  const auto questions = questions_of(30, 3);
  auto options = options_for({slow.url()});
  const Texts many = drawn(options, folder / "many", questions);
  options.server.concurrency = 1;
  const Texts one = drawn(options, folder / "one", questions);
  ASSERT_EQ(many.size(), 90u);
  EXPECT_EQ(many, one);
  EXPECT_EQ(many.at({4, 1}).substr(0, 6), "say 4 ");
  EXPECT_NE(many.at({4, 1}), many.at({4, 2}));
}

TEST(Served, NothingThatIsStoredIsAskedAgain) {
  const TemporaryFolder folder;
  const LoopbackServer server(sound);
  const auto options = options_for({server.url()});
  const Texts first = drawn(options, folder / "a.jsonl", questions_of(5, 2));
  EXPECT_EQ(server.num_requests(), 5);
  const Texts second = drawn(options, folder / "a.jsonl", questions_of(7, 2));
  EXPECT_EQ(server.num_requests(), 7);
  for (const auto& [place, text] : first) EXPECT_EQ(second.at(place), text);
  // And the answers are a recorded teacher.
  Texts recorded;
  recorded_teacher(folder / "a.jsonl")->sample(questions_of(7, 2), {}, [&](const generate::Sample& sample) {
    recorded[{sample.prompt_index, sample.sample_index}] = sample.text;
  });
  EXPECT_EQ(recorded, second);
}

TEST(Served, AServerThatGivesFewerChoicesIsAskedForTheRest) {
  const TemporaryFolder folder;
  const LoopbackServer server([](const Received& received) {
    return Reply{LoopbackServer::response(200, to_line(sound_answer(Json::parse(received.body), 2)))};
  });
  const auto options = options_for({server.url()});
  const Texts texts = drawn(options, folder / "a.jsonl", questions_of(2, 5));
  EXPECT_EQ(texts.size(), 10u);
  EXPECT_EQ(server.num_requests(), 6);
  EXPECT_EQ(drawn(options, folder / "a.jsonl", questions_of(2, 5)), texts);
  EXPECT_EQ(server.num_requests(), 6);
}

TEST(Served, SamplesPerRequestCutsAQuestionIntoRequests) {
  const TemporaryFolder folder;
  const LoopbackServer server(sound);
  auto options = options_for({server.url()});
  options.samples_per_request = 2;
  EXPECT_EQ(drawn(options, folder / "a.jsonl", questions_of(1, 5)).size(), 5u);
  EXPECT_EQ(server.num_requests(), 3);
}

TEST(Served, TheSameQuestionTwiceIsAskedOnce) {
  const TemporaryFolder folder;
  const LoopbackServer server(sound);
  auto questions = questions_of(1, 2);
  questions.push_back(questions[0]);
  const Texts texts = drawn(options_for({server.url()}), folder / "a.jsonl", questions);
  EXPECT_EQ(server.num_requests(), 1);
  EXPECT_EQ(texts.at({0, 1}), texts.at({1, 1}));
}

TEST(Served, StopsAndChatsAreUnderstood) {
  const TemporaryFolder folder;
  std::mutex mutex;
  std::string path, body;
  const LoopbackServer server([&](const Received& received) {
    const std::lock_guard lock(mutex);
    path = received.head.substr(0, received.head.find("\r\n")), body = received.body;
    return Reply{LoopbackServer::response(
        200, R"({"choices":[{"message":{"content":"yes\n# more"},"finish_reason":"length"}]})")};
  });
  auto options = options_for({server.url() + "/v1"});
  options.dialect.api = Api::kChat;
  const auto teacher = served_teacher(options, folder / "a.jsonl");
  teacher->sample(questions_of(1, 1), {.stop = {"\n#"}}, [](const generate::Sample& sample) {
    EXPECT_EQ(sample.text, "yes");
    EXPECT_EQ(sample.finish, generate::Finish::kStop);
    EXPECT_TRUE(std::isnan(sample.log_prob));
    EXPECT_TRUE(sample.ids.empty());
  });
  EXPECT_EQ(path, "POST /v1/chat/completions HTTP/1.1");
  EXPECT_EQ(Json::parse(body).at("messages")[0].at("content"), "say 0");
  EXPECT_EQ(teacher->model(), nullptr);
  EXPECT_THAT(teacher->about(), HasSubstr("m served at http://127.0.0.1:"));
}

TEST(Served, StopsBeforeTheCapIsPassedAndGoesOnWhenItIsRaised) {
  const TemporaryFolder folder;
  std::atomic<int64_t> billed = 0;
  const LoopbackServer server([&](const Received& received) {
    billed += 10 + 5 * 2;
    return sound(received);
  });
  auto options = options_for({server.url()});
  options.server.concurrency = 4;
  options.cap.tokens = 2000;
  const auto questions = questions_of(200, 2);
  Texts texts;
  const auto teacher = served_teacher(options, folder / "a.jsonl");
  const std::string said = message_of<UserError>([&] {
    teacher->sample(questions, {.max_new_tokens = 20}, [&](const generate::Sample& sample) {
      texts[{sample.prompt_index, sample.sample_index}] = sample.text;
    });
  });
  EXPECT_THAT(said, HasSubstr("the cap of 2000 tokens is reached"));
  EXPECT_LE(billed, 2000);
  EXPECT_GT(billed, 1000) << "the reserve of what ended is free again";
  EXPECT_EQ(static_cast<int64_t>(texts.size()), server.num_requests() * 2) << "what was answered was handed out";
}

TEST(Served, MoneyIsCountedAndCapped) {
  const TemporaryFolder folder;
  const LoopbackServer server(sound);
  auto options = options_for({server.url()});
  options.price = {.prompt = 1000, .completion = 2000};  // of a million
  {
    const auto teacher = served_teacher(options, folder / "a.jsonl");
    teacher->sample(questions_of(3, 2), {.max_new_tokens = 20}, [](const generate::Sample&) {});
    EXPECT_THAT(teacher->spent(), HasSubstr("30 prompt + 30 completion tokens, cost 0.0900"));
  }
  options.cap.cost = 0.5;
  EXPECT_THAT(message_of<UserError>([&] { drawn(options, folder / "a.jsonl", questions_of(5, 2)); }),
              HasSubstr("a cost of 0.5 is reached: 60 tokens are spent (cost 0.0900)"));
  EXPECT_EQ(server.num_requests(), 3) << "a prompt's worst, at 0.6, is more than what is left";
}

TEST(Served, TheKeyIsInNoFileEvenWhenTheServerSendsItBack) {
  const TemporaryFolder folder;
  const LoopbackServer server([](const Received& received) {
    const auto at = received.head.find("Bearer ") + 7;
    const std::string key = received.head.substr(at, received.head.find("\r\n", at) - at);
    return Reply{LoopbackServer::response(200, to_line({{"choices", {{{"text", "your key is " + key}}}}}))};
  });
  ::setenv("LIMBECK_TEST_KEY", "sk-0123456789abcdef", 1);
  auto options = options_for({server.url()});
  options.server.api_key_env = "LIMBECK_TEST_KEY";
  EXPECT_EQ(drawn(options, folder / "a.jsonl", questions_of(1, 1)).at({0, 0}), "your key is [key]");
  EXPECT_THAT(read_file(folder / "a.jsonl"), Not(HasSubstr("0123456789")));
}

TEST(Served, IsDescribedByATomlFileWhoseMistakesAreReportedAtOnce) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "good.toml", R"(model = "m"
api = "chat"
[server]
urls = ["http://127.0.0.1:1/v1"]
concurrency = 3
[price]
prompt = 0.15
[cap]
cost = 2.5
)");
  const ServedOptions options = read_served(folder / "good.toml");
  EXPECT_EQ(options.dialect.model, "m");
  EXPECT_EQ(options.dialect.api, Api::kChat);
  EXPECT_EQ(options.server.concurrency, 3);
  EXPECT_EQ(options.cap.cost, 2.5);
  write_file_atomically(folder / "bad.toml", "modle = \"m\"\n[server]\nconcurrency = 0\n[cap]\ncost = 1.0\n");
  const std::string said = message_of<UserErrors>([&] { read_served(folder / "bad.toml"); });
  EXPECT_THAT(said, HasSubstr("model"));
  EXPECT_THAT(said, HasSubstr("concurrency"));
}

// 1,000 questions to a server that does everything wrong that servers do. Whatever it did work for it bills.
class FaultyServer {
 public:
  FaultyServer() : server_([this](const Received& received) { return reply(received); }) {}
  std::string url() const { return server_.url(); }
  int64_t billed() const { return billed_; }
  int64_t num_requests() const { return server_.num_requests(); }
  std::map<std::string, int> num_sound;  // by request body; read when nothing is under way
  std::map<int, int> num_by_kind;

 private:
  Reply reply(const Received& received) {
    const Json request = Json::parse(received.body);
    Json answer = sound_answer(request);
    const int64_t cost = 10 + 5 * request.at("n").get<int64_t>();
    const auto kind = static_cast<int>(Random(Seed(11).derive(static_cast<uint64_t>(received.number))).below(40));
    {
      const std::lock_guard lock(mutex_);
      ++num_by_kind[kind];
      if (kind >= 8) ++num_sound[received.body];
    }
    const std::string whole = to_line(answer);
    if (kind >= 2) billed_ += cost;
    switch (kind) {
      case 0:
        billed_ += 0;
        return {LoopbackServer::response(429, R"({"error":{"message":"slow down"}})",
                                         received.number % 2 == 0 ? "Retry-After: 0\r\n" : "")};
      case 1:
        return {LoopbackServer::response(500, "<html>oops</html>")};
      case 2:  // rarely, for each costs a time-out
        if (received.number % 8 == 0) return {.bytes = "", .hang = true};
        return {""};
      case 3:
        return {LoopbackServer::response(200, whole).substr(0, 60 + whole.size() / 2)};
      case 4:
        return {LoopbackServer::response(200, whole.substr(0, whole.size() / 2))};
      case 5:
        return {LoopbackServer::response(200, std::string(std::size_t{3} << 20, ' ') + whole)};
      case 6:
        return {LoopbackServer::response(200, R"({"id":"same-for-all","choices":[]})")};
      case 7:
        return {LoopbackServer::response(504, "")};
      case 8:
        answer["usage"] = {{"prompt_tokens", -5}, {"completion_tokens", "many"}};
        break;
      case 9:
        answer["usage"] = {{"prompt_tokens", 10}, {"completion_tokens", 1'000'000'000}};
        break;
      case 10:
        answer.erase("usage");
        break;
      case 11:
        for (Json& choice : answer["choices"]) choice["index"] = 0;
        break;
      case 12:
        answer["choices"].push_back({{"index", 99}, {"text", "one more than you wanted"}});
        break;
      default:
        break;
    }
    return {LoopbackServer::response(200, to_line(answer))};
  }

  std::mutex mutex_;
  std::atomic<int64_t> billed_ = 0;
  LoopbackServer server_;
};

TEST(Served, AFaultyServerLosesNothingAsksNothingTwiceAndKeepsTheCap) {
  const TemporaryFolder folder;
  const auto questions = questions_of(1000, 2);
  const LoopbackServer perfect(sound);
  const Texts expected = drawn(options_for({perfect.url()}), folder / "perfect", questions);
  ASSERT_EQ(expected.size(), 2000u);

  FaultyServer faulty;
  auto options = options_for({faulty.url()});
  options.server.timeout = 1;
  options.server.max_response_mib = 1;
  const auto begin = std::chrono::steady_clock::now();
  // A cap that is reached again and again, and raised each time.
  Texts texts;
  int64_t num_caps = 0;
  for (int64_t cap = 60'000;; cap += 60'000) {
    options.cap.tokens = cap;
    texts.clear();
    const auto teacher = served_teacher(options, folder / "faulty");
    try {
      teacher->sample(questions, {.max_new_tokens = 20}, [&](const generate::Sample& sample) {
        EXPECT_TRUE(texts.emplace(std::pair(sample.prompt_index, sample.sample_index), sample.text).second);
      });
      EXPECT_LE(faulty.billed(), cap);
      break;
    } catch (const UserError& reached) {
      EXPECT_THAT(reached.what(), HasSubstr("is reached"));
      EXPECT_LE(faulty.billed(), cap);
      ++num_caps;
    }
    ASSERT_LT(num_caps, 30);
  }
  EXPECT_GE(num_caps, 1);
  EXPECT_EQ(texts, expected) << "nothing lost, nothing mixed up";
  EXPECT_EQ(faulty.num_sound.size(), 1000u);
  for (const auto& [body, count] : faulty.num_sound) EXPECT_EQ(count, 1) << "answered before: " << body;
  EXPECT_EQ(faulty.num_by_kind.size(), 40u) << "every fault was met";
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

// llama.cpp's server, from the peers' environment (llama-cpp-python with its "server" extra) or from any other Python
// that LIMBECK_PEERS_PYTHON names.
class LlamaServer {
 public:
  LlamaServer() {
    const char* deps = std::getenv("LIMBECK_DEPS");
    const std::string cache = deps != nullptr ? deps : std::string(std::getenv("HOME")) + "/.cache/limbeck";
    const char* named = std::getenv("LIMBECK_PEERS_PYTHON");
    const std::string python = named != nullptr ? named : cache + "/peers/bin/python";
    for (const auto& entry : std::filesystem::directory_iterator(cache + "/models/smollm2"))
      if (entry.path().extension() == ".gguf") model = entry.path().string();
    if (model.empty() || std::system((python + " -c 'import llama_cpp.server.app' >/dev/null 2>&1").c_str()) != 0)
      return;
    {
      const LoopbackServer free_port(sound);
      port = free_port.port();
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      const std::string command = "exec " + python + " -m llama_cpp.server --model " + model + " --port " +
                                  std::to_string(port) + " --n_ctx 512 >/dev/null 2>&1";
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~LlamaServer() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  bool runs() const { return pid_ > 0; }
  int port = 0;
  std::string model;

 private:
  pid_t pid_ = 0;
};

TEST(SlowServed, ARealServerOfAnotherProjectTeaches) {
  const LlamaServer server;
  if (!server.runs())
    GTEST_SKIP() << "llama_cpp.server is not here: pip install 'llama-cpp-python[server]' into the peers";
  const TemporaryFolder folder;
  auto options = options_for({"http://127.0.0.1:" + std::to_string(server.port) + "/v1"});
  options.dialect.log_probs = true;
  options.server.concurrency = 2, options.server.timeout = 120, options.server.retries = 60;  // while it starts
  options.server.first_wait = options.server.longest_wait = 1;
  std::vector<Question> questions;
  for (const char* country : {"France", "Germany"})
    questions.push_back({.id = country, .prompt = std::string("The capital of ") + country + " is", .num_samples = 2});
  const auto ask_all = [&](const generate::SamplingOptions& sampling, Teacher& teacher) {
    Texts texts;
    teacher.sample(questions, sampling, [&](const generate::Sample& sample) {
      texts[{sample.prompt_index, sample.sample_index}] = sample.text;
      EXPECT_LT(sample.log_prob, 0);
    });
    return texts;
  };
  {
    const auto teacher = served_teacher(options, folder / "a.jsonl");
    const Texts texts = ask_all({.max_new_tokens = 4, .temperature = 0}, *teacher);
    ASSERT_EQ(texts.size(), 4u) << "it gives one choice whatever n is, and is asked for the rest";
    EXPECT_THAT(texts.at({0, 0}), HasSubstr("Paris"));
    EXPECT_THAT(texts.at({1, 1}), HasSubstr("Berlin"));
    EXPECT_THAT(teacher->spent(), HasSubstr("4 answers stored, 20 prompt + 16 completion tokens"));
  }
  options.dialect.api = Api::kChat, options.dialect.log_probs = false;
  Texts chats;
  served_teacher(options, folder / "b.jsonl")
      ->sample(questions, {.max_new_tokens = 8, .temperature = 0}, [&](const generate::Sample& sample) {
        chats[{sample.prompt_index, sample.sample_index}] = sample.text;
      });
  EXPECT_EQ(chats.size(), 4u);
  EXPECT_NE(chats.at({0, 1}), "");
  EXPECT_EQ(chats.at({0, 1}), chats.at({0, 0})) << "greedy";
  options.dialect.model = "";
  options.server.retries = 0;
  auto wrong = options;
  wrong.server.urls = {"http://127.0.0.1:" + std::to_string(server.port)};
  EXPECT_THAT(message_of<UserError>([&] { drawn(wrong, folder / "c.jsonl", questions_of(1, 1)); }), HasSubstr("404"));
}

// A real SIGKILL of a process that asks. The child is this binary again, told by the environment to do the work.
const char* kChildUrl = "LIMBECK_SERVED_TEST_URL";
const char* kChildStore = "LIMBECK_SERVED_TEST_STORE";

TEST(SlowServedChild, AsksTheServerItIsTold) {
  if (std::getenv(kChildUrl) == nullptr) GTEST_SKIP() << "the work of SlowServed.AKillLosesAtMostWhatIsUnderWay";
  auto options = options_for({std::getenv(kChildUrl)});
  options.server.concurrency = 4;
  EXPECT_EQ(drawn(options, std::getenv(kChildStore), questions_of(200, 2)).size(), 400u);
}

TEST(SlowServed, AKillLosesAtMostWhatIsUnderWay) {
  const TemporaryFolder folder;
  std::mutex mutex;
  std::map<std::string, int> num_sound;
  const LoopbackServer server([&](const Received& received) {
    {
      const std::lock_guard lock(mutex);
      ++num_sound[received.body];
    }
    Reply reply = sound(received);
    reply.delay = 0.03;
    return reply;
  });
  const auto run_child = [&](int kill_after_ms) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::setenv(kChildUrl, server.url().c_str(), 1);
      ::setenv(kChildStore, (folder / "a.jsonl").c_str(), 1);
      ::execl("/proc/self/exe", "teachers_test", "--gtest_filter=SlowServedChild.*", "--gtest_brief=1", nullptr);
      ::_exit(127);
    }
    if (kill_after_ms > 0) {
      ::usleep(static_cast<useconds_t>(kill_after_ms) * 1000);
      ::kill(pid, SIGKILL);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
  };
  constexpr int kKills = 4;
  int num_killed = 0;
  for (int i = 0; i < kKills; ++i) num_killed += WIFSIGNALED(run_child(350 + 60 * i)) ? 1 : 0;
  EXPECT_GE(num_killed, 1) << "all were done before";
  EXPECT_EQ(run_child(0), 0);
  EXPECT_EQ(num_sound.size(), 200u);
  int64_t num_again = 0;
  for (const auto& [body, count] : num_sound) num_again += count - 1;
  EXPECT_LE(num_again, 4 * kKills) << "only what was under way when it was killed";
}

}  // namespace
}  // namespace limbeck::teachers
