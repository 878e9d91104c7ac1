// libFuzzer: any text is either refused with an Error, or a tokenizer.json whose tokenizer encodes and decodes.
#include <string_view>

#include "base/errors.h"
#include "text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace limbeck;
  try {
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    const auto tokenizer = text::Tokenizer::from_spec(text::parse_tokenizer_json(json, "fuzz"));
    const std::string_view text = "Ab <s>é\xFF 12,  x\n猫e\u0301[MASK]'s\u2581a\r\n";
    tokenizer->decode(tokenizer->encode(text));
    const text::TextPair pair{text, "b 3"};
    tokenizer->encode_pair(pair);
  } catch (const Error&) {
  }
  return 0;
}
