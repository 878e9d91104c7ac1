// Renders the chats of a file that tests/golden/scripts/compare_chat_templates.py wrote: published templates, which are
// not ours to keep in the repository.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "text/chat_template.h"

namespace limbeck::text {
namespace {

TEST(ChatTemplates, OfAFileThatTheEnvironmentNamesAreRenderedAsTransformersDoes) {
  const char* rows_path = std::getenv("LIMBECK_CHAT_ROWS");
  if (!rows_path) GTEST_SKIP() << "LIMBECK_CHAT_ROWS is not set; compare_chat_templates.py sets it";
  TokenizerSpec spec;
  spec.tokens = {"<s>", "</s>"};
  spec.bos = 0;
  spec.eos = 1;
  Json results = Json::array();
  for (const Json& row : read_json(rows_path)) {
    spec.chat_template = row["template"].get<std::string>();
    const ChatOptions options{.add_generation_prompt = row["add_generation_prompt"].get<bool>(),
                              .tools = row.value("tools", Json()),
                              .documents = row.value("documents", Json()),
                              .more = row.value("more", Json::object())};
    try {
      const std::string text = render_messages(spec, row["messages"], options);
      EXPECT_EQ(Json(text), row.value("text", Json())) << row["name"] << ", " << row["chat"];
      results.push_back({{"text", text}});
    } catch (const UserError& error) {
      EXPECT_TRUE(row.contains("refused")) << row["name"] << ", " << row["chat"] << ": " << error.what();
      results.push_back({{"refused", error.what()}});
    }
  }
  if (const char* results_path = std::getenv("LIMBECK_CHAT_RESULTS")) write_json(results_path, results);
}

}  // namespace
}  // namespace limbeck::text
