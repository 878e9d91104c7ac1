#include <gtest/gtest.h>
#include <signal.h>

#include "base/json.h"
#include "cli/program.h"
#include "generate/tiny_model.h"

namespace limbeck {
namespace {

const char* const kTemplate =
    "{% for m in messages %}{{ m['role'] }}:{{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% "
    "endif %}";

class ChatVerb : public testing::Test {
 protected:
  void SetUp() override { save("tiny", kTemplate); }
  void save(const std::string& name, const std::string& chat_template) const {
    text::TokenizerSpec spec = generate::byte_tokenizer()->spec();
    spec.chat_template = chat_template;
    models::save_pretrained(folder_ / name, *models::small_model(generate::tiny_config()),
                            *text::Tokenizer::from_spec(spec));
  }
  Outcome chat(const std::string& input, std::vector<std::string> args = {}) const {
    args.insert(args.begin(),
                {"chat", "--model=" + (folder_ / "tiny").string(), "--max-new-tokens=20", "--precision=fp32"});
    return run_program(args, input);
  }
  // What the model says to a conversation by plain generation.
  static std::string answer(const std::string& conversation) {
    const auto source = generate::tiny_model();
    return generate::samples_of(source, {{.ids = source.tokenizer->encode_rendered(conversation)}},
                                {.max_new_tokens = 20, .temperature = 0}, {.precision = Precision::kFp32})
        .at({0, 0})
        .text;
  }
  TemporaryFolder folder_;
};

TEST_F(ChatVerb, AnswersPipedLinesWithTheConversationSoFar) {
  const auto outcome = chat("hi\n \nand you?\n", {"--temperature=0", "--system=be kind"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const std::string first = answer("system:be kind\nuser:hi\nassistant:");
  const std::string second = answer("system:be kind\nuser:hi\nassistant:" + first + "\nuser:and you?\nassistant:");
  EXPECT_EQ(outcome.out, first + "\n" + second + "\n");
}

TEST_F(ChatVerb, BeginsAgainWhenAsked) {
  const auto outcome = chat("hi\n/new\nhi\n/quit\nhi\n", {"--temperature=0"});
  const std::string first = answer("user:hi\nassistant:");
  EXPECT_EQ(outcome.out, first + "\n" + first + "\n");
}

TEST_F(ChatVerb, ForgetsTheOldestExchangesWhenTheContextIsFull) {
  std::string lines;
  for (int i = 0; i < 12; ++i) lines += std::string(60, static_cast<char>('a' + i)) + "\n";
  const auto outcome = chat(lines);
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.error.find("forgotten"), std::string::npos);
}

TEST_F(ChatVerb, RefusesAMessageLongerThanTheContextAndGoesOn) {
  const auto outcome = chat(std::string(500, 'x') + "\nhi\n");
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.error.find("longer than the context has room for"), std::string::npos) << outcome.error;
  EXPECT_EQ(outcome.out, chat("hi\n").out);
}

TEST_F(ChatVerb, SaysThatAModelHasNoTemplate) {
  save("plain", "");
  const auto outcome = run_program({"chat", "--model=" + (folder_ / "plain").string()}, "hi\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("template"), std::string::npos) << outcome.error;
}

TEST_F(ChatVerb, EndsAtControlCWhileItWaits) {
  int in[2];
  ASSERT_EQ(::pipe(in), 0);
  const std::string model = "--model=" + (folder_ / "tiny").string(), out = (folder_ / "out").string();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in[0], 0);
    ::close(in[1]);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0666), 1);
    ::execl(LIMBECK_PROGRAM, LIMBECK_PROGRAM, "chat", model.c_str(), "--max-new-tokens=5", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(in[0]);
  ASSERT_EQ(::write(in[1], "hi\n", 3), 3);
  const auto answered = [&] { return std::filesystem::exists(out) && read_file(out).find('\n') != std::string::npos; };
  for (int i = 0; i < 600 && !answered(); ++i) ::usleep(100000);
  ASSERT_TRUE(answered());
  int status = 0;
  for (int i = 0; i < 100 && ::waitpid(pid, &status, WNOHANG) == 0; ++i) {
    ::kill(pid, SIGINT);
    ::usleep(100000);
  }
  ::close(in[1]);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
}

}  // namespace
}  // namespace limbeck
