// libFuzzer: any chat template is either refused with an Error or renders within its limits.
#include <string_view>

#include "base/errors.h"
#include "text/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace limbeck;
  text::TokenizerSpec spec;
  spec.chat_template.assign(reinterpret_cast<const char*>(data), size);
  spec.tokens = {"<s>", "\xFF"};
  spec.bos = 0;
  spec.eos = 1;
  const text::ChatMessage messages[] = {{"system", "Be brief."}, {"user", " é\xFF{{ x }}\n"}, {"assistant", "猫 1"}};
  text::ChatOptions options{.add_generation_prompt = true, .now = 1'700'000'000};
  options.tools = Json::array({{{"type", "function"}, {"function", {{"name", "f"}, {"arguments", Json::object()}}}}});
  options.more = {{"enable_thinking", false}, {"n", -3}, {"x", 1.5}};
  try {
    text::render_chat(spec, messages, options);
    text::cut_chat(spec, messages, options.now);
  } catch (const Error&) {
  }
  return 0;
}
