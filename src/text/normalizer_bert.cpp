// BERT's normaliser: control characters go and every space becomes ' ', Chinese characters stand alone, accents go,
// upper case becomes lower. ASCII needs one look at a table a character; a run of other characters takes the four steps
// one after another. (Runs are independent: no ASCII character is a mark, and none decomposes.)
#include <array>

#include "text/normal_forms.h"
#include "text/normalizer.h"
#include "text/unicode.h"
#include "text/unicode_properties.h"

namespace limbeck::text {
namespace {

bool is_chinese(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(const Component& step)
      : clean_(step.flag("clean_text", true)),
        chinese_(step.flag("handle_chinese_chars", true)),
        lower_(step.flag("lowercase", true)),
        strip_(step.flag("strip_accents", lower_)) {
    for (uint32_t c = 0; c < 128; ++c) {
      const bool gone = clean_ && (c == 0 || (char_properties()[c] & kBertControl));
      const bool space = clean_ && (char_classes()[c] & kSpace);
      const bool upper = lower_ && c >= 'A' && c <= 'Z';
      ascii_[c] = gone ? kGone : space ? ' ' : upper ? char(c + 32) : char(c);
    }
  }

  void apply(NormalizedText& n) const override {
    thread_local std::string out;
    out.clear();
    const char *at = n.text.data(), *end = at + n.text.size();
    if (at != end && goes(code_point_at(at).value)) n.num_from_first = 0;
    while (at != end) {
      const char* run = at;
      while (at != end && static_cast<unsigned char>(*at) < 0x80) ++at;
      append_ascii({run, std::size_t(at - run)}, out);
      run = at;
      while (at != end && static_cast<unsigned char>(*at) >= 0x80) ++at;
      if (run != at) append_run({run, std::size_t(at - run)}, out);
    }
    n.text.swap(out);
  }

 private:
  static constexpr char kGone = char(0x80);  // no ASCII character

  bool goes(uint32_t c) const { return clean_ && (c == 0 || c == 0xFFFD || (char_properties()[c] & kBertControl)); }

  void append_ascii(std::string_view run, std::string& out) const {
    const std::size_t before = out.size();
    out.resize(before + run.size());
    char* put = out.data() + before;
    for (const char c : run) {
      *put = ascii_[static_cast<unsigned char>(c)];
      put += *put != kGone;
    }
    out.resize(std::size_t(put - out.data()));
  }

  void append_run(std::string_view run, std::string& out) const {
    const uint8_t* classes = char_classes();
    const uint32_t* properties = char_properties();
    thread_local std::string cleaned;
    cleaned.clear();
    for (std::size_t at = 0; at < run.size();) {
      const CodePoint c = code_point_at(run.data() + at);
      if (goes(c.value)) {
      } else if (clean_ && (classes[c.value] & kSpace)) {
        cleaned += ' ';
      } else if (chinese_ && is_chinese(c.value)) {
        cleaned.append(" ").append(run.substr(at, c.size)).append(" ");
      } else {
        cleaned += run.substr(at, c.size);
      }
      at += c.size;
    }
    if (strip_) {
      thread_local std::vector<uint32_t> decomposed;
      decomposed.clear();
      append_nfd(cleaned, decomposed);
      for (const uint32_t c : decomposed)
        if (!(properties[c] & kNonspacingMark)) append(c, out);
    } else {
      for (std::size_t at = 0; at < cleaned.size();) {
        const CodePoint c = code_point_at(cleaned.data() + at);
        append(c.value, out);
        at += c.size;
      }
    }
  }
  void append(uint32_t c, std::string& out) const {
    if (lower_ && (char_properties()[c] & kHasLowerCase)) {
      append_lower_case(c, out);
    } else {
      append_utf8(c, out);
    }
  }

  bool clean_, chinese_, lower_, strip_;
  std::array<char, 128> ascii_;
};

}  // namespace

std::unique_ptr<Normalizer> make_bert_normalizer(const Component& step) {
  return std::make_unique<BertNormalizer>(step);
}

}  // namespace limbeck::text
