#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "base/json.h"
#include "cli/program.h"
#include "generate/tiny_model.h"
#include "net/raw_client.h"

namespace limbeck {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// limbeck serve as a process, until it is told to stop.
class ServerProcess {
 public:
  ServerProcess(const std::filesystem::path& model, std::vector<std::string> args) {
    args.insert(args.begin(), {LIMBECK_PROGRAM, "serve", "--model=" + model.string(), "--port=0", "--precision=fp32"});
    pid_ = ::fork();
    if (pid_ == 0) {
      std::vector<char*> argv;
      for (auto& arg : args) argv.push_back(arg.data());
      argv.push_back(nullptr);
      const bool ready = ::dup2(::open((folder_ / "out").c_str(), O_WRONLY | O_CREAT, 0666), 1) == 1 &&
                         ::dup2(::open((folder_ / "error").c_str(), O_WRONLY | O_CREAT, 0666), 2) == 2;
      if (ready) ::execv(LIMBECK_PROGRAM, argv.data());
      ::_exit(127);
    }
    for (int i = 0; i < 1000 && out().find('\n') == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const auto colon = out().rfind(':');
    if (colon != std::string::npos) port_ = std::stoi(out().substr(colon + 1));
  }
  ~ServerProcess() {
    if (pid_ > 0) stop(SIGKILL);
  }
  int port() const { return port_; }
  std::string out() const { return std::filesystem::exists(folder_ / "out") ? read_file(folder_ / "out") : ""; }
  std::string error() const { return read_file(folder_ / "error"); }
  int stop(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string get(const std::string& path) const {
    const net::RawClient client(port_);
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return client.rest();
  }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = 0;
  int port_ = 0;
};

class ServeVerb : public testing::Test {
 protected:
  void SetUp() override {
    models::save_pretrained(folder_ / "tiny", *models::small_model(generate::tiny_config()),
                            *generate::byte_tokenizer());
  }
  TemporaryFolder folder_;
};

TEST_F(ServeVerb, ServesUnderTheFoldersNameAndEndsCleanlyOnSigterm) {
  ServerProcess server(folder_ / "tiny", {});
  EXPECT_THAT(server.out(), StartsWith("tiny at http://127.0.0.1:"));
  EXPECT_THAT(server.get("/v1/models"), HasSubstr("\"id\":\"tiny\""));
  EXPECT_EQ(server.stop(SIGTERM), 0);
}

TEST_F(ServeVerb, CompletesUnderTheNameThatItIsGivenAndLogsNoText) {
  ServerProcess server(folder_ / "tiny", {"--name=small"});
  const std::string body = R"({"model":"small","prompt":"abc","max_tokens":5,"seed":1})";
  const net::RawClient client(server.port());
  client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(server.error(), HasSubstr("POST /v1/completions"));
}

TEST_F(ServeVerb, GenerateAsksAServedModelAndAsksNothingTwice) {
  const auto path = [&](const char* name) { return (folder_ / name).string(); };
  write_file_atomically(folder_ / "prompts.jsonl", "{\"id\":\"q7\",\"prompt\":\"abc\"}\n{\"prompt\":\"d\"}\n");
  const auto generate = [&](const std::string& model, const char* out) {
    return run_program({"generate", "--model=" + path(model.c_str()), "--input=" + path("prompts.jsonl"),
                        "--out=" + path(out), "--temperature=0", "--max-new-tokens=6", "--num-samples=2"});
  };
  {
    const ServerProcess server(folder_ / "tiny", {});
    write_file_atomically(
        folder_ / "served.toml",
        fmt::format("model = \"tiny\"\n[server]\nurls = [\"http://127.0.0.1:{}/v1\"]\nretries = 0\n", server.port()));
    const auto outcome = generate("served.toml", "served.jsonl");
    ASSERT_EQ(outcome.code, 0) << outcome.error;
  }
  const auto texts = [&](const char* file) {
    std::vector<Json> rows;
    read_jsonl(folder_ / file, [&](const Json& row, int64_t) {
      rows.push_back({{"id", row.at("id")}, {"sample", row.at("sample")}, {"text", row.at("text")}});
    });
    return rows;
  };
  ASSERT_EQ(texts("served.jsonl").size(), 4U);
  EXPECT_EQ(texts("served.jsonl")[0].at("id"), "q7");
  const auto local = run_program({"generate", "--model=" + path("tiny"), "--input=" + path("prompts.jsonl"),
                                  "--out=" + path("local.jsonl"), "--temperature=0", "--max-new-tokens=6",
                                  "--num-samples=2", "--precision=fp32"});
  ASSERT_EQ(local.code, 0) << local.error;
  EXPECT_EQ(texts("served.jsonl"), texts("local.jsonl")) << "greedy, over the network or not";
  const auto again = generate("served.toml", "again.jsonl");
  EXPECT_NE(again.code, 0) << "nobody listens any more, and these answers are kept beside another file";
  std::filesystem::copy_file(folder_ / "served.jsonl.answers.jsonl", folder_ / "kept.jsonl.answers.jsonl");
  const auto kept = generate("served.toml", "kept.jsonl");
  ASSERT_EQ(kept.code, 0) << kept.error;
  EXPECT_EQ(read_file(folder_ / "kept.jsonl"), read_file(folder_ / "served.jsonl"));
  const auto without_out =
      run_program({"generate", "--model=" + path("served.toml"), "--input=" + path("prompts.jsonl")});
  EXPECT_EQ(without_out.code, 2);
  EXPECT_THAT(without_out.error, HasSubstr("out: expected a file"));
}

TEST_F(ServeVerb, AnAddressThatIsTakenIsTheUsersMistake) {
  ServerProcess server(folder_ / "tiny", {});
  const auto outcome =
      run_program({"serve", "--model=" + (folder_ / "tiny").string(), "--port=" + std::to_string(server.port())});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("cannot listen on 127.0.0.1"));
}

TEST_F(ServeVerb, AKeyThatIsNotSetIsTheUsersMistake) {
  ::unsetenv("LIMBECK_TEST_NO_KEY");
  const auto outcome =
      run_program({"serve", "--model=" + (folder_ / "tiny").string(), "--port=0", "--api-key-env=LIMBECK_TEST_NO_KEY"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("LIMBECK_TEST_NO_KEY"));
}

}  // namespace
}  // namespace limbeck
