// libFuzzer: any bytes are either refused with an Error, or a SentencePiece file whose tokenizer encodes and decodes.
#include <string_view>

#include "base/errors.h"
#include "text/sentencepiece_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace limbeck;
  if (size == 0) return 0;
  try {
    text::SentencePieceSettings settings;
    settings.family = text::SentencePieceSettings::Family(data[0] % 3);
    settings.extra_ids = 3;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto tokenizer = text::Tokenizer::from_spec(
        text::spec_from_sentencepiece(text::parse_sentencepiece_model(bytes, "fuzz"), settings, "fuzz"));
    tokenizer->decode(tokenizer->encode("Ab <s>é\xFF 12,  x\n猫e\u0301 \u2581a\r\n"));
  } catch (const Error&) {
  }
  return 0;
}
