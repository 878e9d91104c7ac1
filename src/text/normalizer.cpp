#include "text/normalizer.h"

#include <algorithm>

#include "text/byte_alphabet.h"
#include "text/charsmap.h"
#include "text/normal_forms.h"
#include "text/unicode.h"
#include "text/unicode_properties.h"

namespace limbeck::text {
namespace {

std::size_t num_characters_of(std::string_view text) {
  return std::size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// What `changed` puts out for each character of the text.
template <class Changed>
void for_each_character(NormalizedText& n, Changed changed) {
  thread_local std::string out;
  out.clear();
  std::size_t index = 0;
  const std::size_t num_first = n.num_from_first;
  for (const char *at = n.text.data(), *end = at + n.text.size(); at != end; ++index) {
    const CodePoint c = code_point_at(at);
    changed(c.value, std::string_view(at, c.size), out);
    at += c.size;
    if (index + 1 == num_first) n.num_from_first = num_characters_of(out);
  }
  n.text.swap(out);
}

class FormNormalizer final : public Normalizer {
 public:
  explicit FormNormalizer(NormalForm form) : form_(form) {}
  void apply(NormalizedText& n) const override {
    if (is_ascii(n.text)) return;
    const bool composes = form_ == NormalForm::kNfc || form_ == NormalForm::kNfkc;
    if (composes) {
      n.num_from_first = std::min<std::size_t>(n.num_from_first, 1);
    } else if (n.num_from_first > 0) {
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < n.num_from_first && bytes < n.text.size(); ++i)
        bytes += code_point_at(n.text.data() + bytes).size;
      std::string first = n.text.substr(0, bytes);
      bring_to(form_, first);
      n.num_from_first = num_characters_of(first);
    }
    bring_to(form_, n.text);
  }

 private:
  NormalForm form_;
};

class LowercaseNormalizer final : public Normalizer {
 public:
  void apply(NormalizedText& n) const override {
    if (is_ascii(n.text)) {
      for (char& c : n.text)
        if (c >= 'A' && c <= 'Z') c = char(c + 32);
      return;
    }
    for_each_character(n, [](uint32_t c, std::string_view, std::string& out) { append_lower_case(c, out); });
  }
};

class StripAccentsNormalizer final : public Normalizer {
 public:
  void apply(NormalizedText& n) const override {
    if (is_ascii(n.text)) return;
    const uint32_t* properties = char_properties();
    for_each_character(n, [&](uint32_t c, std::string_view character, std::string& out) {
      if (!(properties[c] & kCombiningMark)) out += character;
    });
  }
};

// Unicode's control characters and spaces as SentencePiece's "nmt" rules have them.
class NmtNormalizer final : public Normalizer {
 public:
  void apply(NormalizedText& n) const override {
    for_each_character(n, [](uint32_t c, std::string_view character, std::string& out) {
      const bool removed =
          (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
      const bool space = c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                         c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
      if (!removed) out += space ? " " : character;
    });
  }
};

class StripNormalizer final : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}
  void apply(NormalizedText& n) const override {
    const uint8_t* classes = char_classes();
    std::size_t begin = 0, end = n.text.size();
    while (left_ && begin != end) {
      const CodePoint c = code_point_at(n.text.data() + begin);
      if (!(classes[c.value] & kSpace)) break;
      begin += c.size;
    }
    while (right_ && begin != end) {
      std::size_t last = end - 1;
      while ((static_cast<unsigned char>(n.text[last]) & 0xC0) == 0x80) --last;
      if (!(classes[code_point_at(n.text.data() + last).value] & kSpace)) break;
      end = last;
    }
    n.lose_first(num_characters_of(std::string_view(n.text).substr(0, begin)));
    n.text.resize(end);
    n.text.erase(0, begin);
  }

 private:
  bool left_, right_;
};

class PrependNormalizer final : public Normalizer {
 public:
  explicit PrependNormalizer(std::string text) : text_(std::move(text)) {}
  void apply(NormalizedText& n) const override {
    if (n.text.empty()) return;
    n.text.insert(0, text_);
    n.num_from_first = 1;
  }

 private:
  std::string text_;
};

class CharsmapNormalizer final : public Normalizer {
 public:
  CharsmapNormalizer(std::string_view bytes, const std::string& file) : map_(bytes, file) {}
  void apply(NormalizedText& n) const override { map_.apply(n.text); }

 private:
  Charsmap map_;
};

class ByteLevelNormalizer final : public Normalizer {
 public:
  void apply(NormalizedText& n) const override { n.text = bytes_to_alphabet(n.text); }
};

std::unique_ptr<Normalizer> make_normalizer(const Component& step) {
  const std::string type = step.type();
  if (type == "NFC") return std::make_unique<FormNormalizer>(NormalForm::kNfc);
  if (type == "NFD") return std::make_unique<FormNormalizer>(NormalForm::kNfd);
  if (type == "NFKC") return std::make_unique<FormNormalizer>(NormalForm::kNfkc);
  if (type == "NFKD") return std::make_unique<FormNormalizer>(NormalForm::kNfkd);
  if (type == "Lowercase") return std::make_unique<LowercaseNormalizer>();
  if (type == "StripAccents") return std::make_unique<StripAccentsNormalizer>();
  if (type == "Nmt") return std::make_unique<NmtNormalizer>();
  if (type == "ByteLevel") return std::make_unique<ByteLevelNormalizer>();
  if (type == "Strip")
    return std::make_unique<StripNormalizer>(step.flag("strip_left", true), step.flag("strip_right", true));
  if (type == "Prepend") return std::make_unique<PrependNormalizer>(step.text("prepend"));
  if (type == "BertNormalizer") return make_bert_normalizer(step);
  if (type == "Replace") return make_replacing_normalizer(step);
  if (type == "Precompiled") {
    std::string bytes;
    if (!decode_base64(step.text("precompiled_charsmap"), bytes)) step.broken("base 64", "other text");
    return std::make_unique<CharsmapNormalizer>(bytes, step.file());
  }
  step.refuse("a normalizer that this program knows", type);
}

}  // namespace

Normalizers make_normalizers(const Component& component) {
  Normalizers steps;
  for (const Component& step : component.flattened("normalizers")) steps.push_back(make_normalizer(step));
  return steps;
}

}  // namespace limbeck::text
