#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/errors.h"
#include "base/json.h"
#include "base/message_of.h"
#include "gguf_metadata.h"
#include "golden.h"
#include "tiny_vocabulary.h"

namespace limbeck::text {
namespace {

using Messages = std::vector<ChatMessage>;

TokenizerSpec spec_with(std::string chat_template) {
  TokenizerSpec spec = tiny_spec();
  spec.added = {{.id = 263, .content = "<s>", .special = true}, {.id = 264, .content = "</s>", .special = true}};
  spec.bos = 263, spec.eos = 264;
  spec.chat_template = std::move(chat_template);
  return spec;
}

constexpr const char* kChatMl =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

// tests/golden/scripts/make_tokenizer_chat_golden.py
TEST(RenderChat, WritesWhatTransformersWrites) {
  const Json rows = read_json(golden::folder() / "chats.json");
  ASSERT_GT(rows.size(), 90u);
  for (const Json& row : rows) {
    const Json& messages = row["messages"];
    const TokenizerSpec spec = spec_with(row["template"]);
    const ChatOptions options{.add_generation_prompt = row["add_generation_prompt"].get<bool>(), .tools = row["tools"]};
    if (row.contains("refused")) {
      EXPECT_THROW(render_messages(spec, messages, options), UserError) << row.dump();
    } else {
      try {
        EXPECT_EQ(render_messages(spec, messages, options), row["text"]) << row["name"];
      } catch (const Error& error) {
        ADD_FAILURE() << row["name"] << ": " << error.what();
      }
    }
  }
}

TEST(RenderChat, SmolLm2sTemplatePutsItsOwnSystemMessageFirst) {
  const char* deps = std::getenv("LIMBECK_DEPS");
  const char* home = std::getenv("HOME");
  const std::filesystem::path file =
      std::filesystem::path(deps ? deps : std::string(home ? home : "") + "/.cache/limbeck") /
      "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there; scripts/setup fetches it";
  const auto tokenizer = Tokenizer::from_spec(spec_from_gguf(golden::gguf_vocabulary(file), file.string()));
  const std::string text = render_chat(tokenizer->spec(), Messages{{"user", "Hi"}}, {.add_generation_prompt = true});
  EXPECT_EQ(text,
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  const auto ids = tokenizer->encode_rendered(text);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 1), 3);  // <|im_start|>
  EXPECT_EQ(tokenizer->decode(ids), text);
}

TEST(RenderChat, AModelWithoutATemplateIsRefused) {
  EXPECT_THROW(render_chat(spec_with(""), Messages{{"user", "Hi"}}), UserError);
}

TEST(RenderChat, ATemplateThatIsNotUtf8IsRefusedByItsLine) {
  for (const char* bytes : {"\xF7\xBF\xBF\xBF", "\xE3\x80", "\xFF", "\xED\xA0\x80"}) {
    const std::string said =
        message_of<UserError>([&] { render_chat(spec_with(std::string("a\n{{ \"") + bytes + "\" | trim }}"), {}); });
    EXPECT_NE(said.find("[chat template line 2] expected UTF-8 text but received the byte 0x"), std::string::npos)
        << said;
  }
}

TEST(RenderChat, ATokenThatIsNotUtf8IsShownAsFarAsItIs) {
  TokenizerSpec spec = spec_with("{{ bos_token | trim }}.");
  spec.added[0].content = "<\xE3\x80";
  EXPECT_EQ(render_chat(spec, {}), "<\uFFFD.");
}

TEST(RenderChat, WritesTheDateThatItIsGiven) {
  const TokenizerSpec spec = spec_with("{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% endif %}");
  EXPECT_EQ(render_chat(spec, {}, {.now = 1'000'000'000}), "2001");
}

TEST(CutChat, TheAssistantsPiecesBeginWhereGenerationWouldAndEndWithItsTurn) {
  const auto pieces = cut_chat(spec_with(kChatMl),
                               Messages{{"user", "2+2?"}, {"assistant", "4"}, {"user", "3+3?"}, {"assistant", "6"}});
  ASSERT_EQ(pieces.size(), 4u);
  EXPECT_EQ(pieces[0].text, "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_FALSE(pieces[0].by_assistant);
  EXPECT_EQ(pieces[1].text, "4<|im_end|>\n");
  EXPECT_TRUE(pieces[1].by_assistant);
  EXPECT_EQ(pieces[3].text, "6<|im_end|>\n");
  EXPECT_TRUE(pieces[3].by_assistant);
}

TEST(CutChat, ThePiecesTogetherAreTheWholeChat) {
  const Messages messages = {{"system", "s"}, {"user", "u"}, {"assistant", "a"}, {"user", "v"}};
  std::string whole;
  for (const ChatPiece& piece : cut_chat(spec_with(kChatMl), messages)) whole += piece.text;
  EXPECT_EQ(whole, render_chat(spec_with(kChatMl), messages));
}

TEST(CutChat, RefusesATemplateThatChangesEarlierTurns) {
  const TokenizerSpec spec = spec_with("{{ messages|length }}{% for m in messages %}{{ m.content }}{% endfor %}");
  EXPECT_THROW(cut_chat(spec, Messages{{"user", "u"}, {"assistant", "a"}, {"user", "v"}}), UserError);
}

}  // namespace
}  // namespace limbeck::text
