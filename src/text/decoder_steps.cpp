#include "text/decoder_steps.h"

#include <optional>

#include "text/byte_alphabet.h"
#include "text/regex.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

using Tokens = std::vector<std::string>;

void replace_all(std::string& text, std::string_view before, std::string_view after) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at; (at = text.find(before, done)) != std::string::npos; done = at + before.size())
    out.append(text, done, at - done).append(after);
  if (done == 0) return;
  text = out.append(text, done);
}

// "<0x0A>", or none.
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  int value = 0;
  for (const char d : token.substr(3, 2)) {
    const int v = d >= '0' && d <= '9'   ? d - '0'
                  : d >= 'a' && d <= 'f' ? d - 'a' + 10
                  : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                         : -1;
    if (v < 0) return std::nullopt;
    value = value * 16 + v;
  }
  return char(value);
}

std::string joined_tokens(const Tokens& tokens, std::string_view between = "") {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) text.append(i > 0 ? between : "").append(tokens[i]);
  return text;
}

class ByteLevelDecoder final : public DecoderStep {
 public:
  void apply(Tokens& tokens) const override {
    std::string bytes, storage;
    for (const std::string& token : tokens) {
      const auto decoded = alphabet_to_bytes(token);
      bytes += decoded ? *decoded : token;
    }
    tokens = {std::string(replace_invalid_utf8(bytes, storage))};
  }
};

class ByteFallbackDecoder final : public DecoderStep {
 public:
  void apply(Tokens& tokens) const override {
    Tokens out;
    std::string bytes;
    const auto end_run = [&] {
      if (valid_utf8_prefix(bytes) == bytes.size()) {
        if (!bytes.empty()) out.push_back(bytes);
      } else {
        out.insert(out.end(), bytes.size(), "\uFFFD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const auto byte = byte_of(token)) {
        bytes += *byte;
      } else {
        end_run();
        out.push_back(std::move(token));
      }
    }
    end_run();
    tokens = std::move(out);
  }
};

class FuseDecoder final : public DecoderStep {
 public:
  void apply(Tokens& tokens) const override { tokens = {joined_tokens(tokens)}; }
};

class StripDecoder final : public DecoderStep {
 public:
  StripDecoder(uint32_t content, int64_t start, int64_t stop) : start_(start), stop_(stop) {
    append_utf8(content, content_);
  }
  void apply(Tokens& tokens) const override {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (int64_t i = 0; i < start_ && rest.starts_with(content_); ++i) rest.remove_prefix(content_.size());
      for (int64_t i = 0; i < stop_ && rest.ends_with(content_); ++i) rest.remove_suffix(content_.size());
      token = std::string(rest);
    }
  }

 private:
  std::string content_;
  int64_t start_, stop_;
};

class ReplaceDecoder final : public DecoderStep {
 public:
  ReplaceDecoder(Component::Pattern pattern, std::string content, const std::string& file)
      : text_(std::move(pattern.text)), content_(std::move(content)) {
    if (pattern.is_regex) regex_.emplace(text_, file);
  }
  void apply(Tokens& tokens) const override {
    for (std::string& token : tokens) {
      if (!regex_) {
        replace_all(token, text_, content_);
        continue;
      }
      std::string out;
      const char *done = token.data(), *end = done + token.size();
      while (const auto match = regex_->find(done, end)) {
        out.append(done, match->begin).append(content_);
        done = match->end;
      }
      token = out.append(done, end);
    }
  }

 private:
  std::string text_, content_;
  std::optional<Regex> regex_;
};

class MetaspaceDecoder final : public DecoderStep {
 public:
  MetaspaceDecoder(std::string mark, bool prepends) : mark_(std::move(mark)), prepends_(prepends) {}
  void apply(Tokens& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) replace_all(tokens[i], mark_, i == 0 && prepends_ ? "" : " ");
  }

 private:
  std::string mark_;
  bool prepends_;
};

class WordPieceDecoder final : public DecoderStep {
 public:
  WordPieceDecoder(std::string prefix, bool clean_up) : prefix_(std::move(prefix)), clean_up_(clean_up) {}
  void apply(Tokens& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) {
        if (tokens[i].starts_with(prefix_)) {
          tokens[i].erase(0, prefix_.size());
        } else {
          tokens[i].insert(0, 1, ' ');
        }
      }
      if (clean_up_) clean_up(tokens[i]);
    }
  }

 private:
  static void clean_up(std::string& text) {
    constexpr std::pair<const char*, const char*> kRules[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [before, after] : kRules) replace_all(text, before, after);
  }
  std::string prefix_;
  bool clean_up_;
};

class BpeDecoder final : public DecoderStep {
 public:
  explicit BpeDecoder(std::string suffix) : suffix_(std::move(suffix)) {}
  void apply(Tokens& tokens) const override {
    if (suffix_.empty()) return;
    for (std::size_t i = 0; i < tokens.size(); ++i) replace_all(tokens[i], suffix_, i + 1 == tokens.size() ? "" : " ");
  }

 private:
  std::string suffix_;
};

}  // namespace

Decoder::Decoder(const Component& component) {
  for (const Component& step : component.flattened("decoders")) {
    const std::string type = step.type();
    if (type == "ByteLevel") {
      steps_.push_back(std::make_unique<ByteLevelDecoder>());
      byte_level_ = true;
    } else if (type == "ByteFallback") {
      steps_.push_back(std::make_unique<ByteFallbackDecoder>());
      byte_fallback_ = true;
    } else if (type == "Fuse") {
      steps_.push_back(std::make_unique<FuseDecoder>());
    } else if (type == "Strip") {
      constexpr int64_t kMost = 1 << 20;
      steps_.push_back(std::make_unique<StripDecoder>(step.character("content"), step.number("start", 0, kMost, 0),
                                                      step.number("stop", 0, kMost, 0)));
    } else if (type == "Replace") {
      const Component::Pattern pattern = step.pattern();
      const std::string content = step.replacement();
      if (!pattern.is_regex && content == " ") space_mark_ = pattern.text;
      steps_.push_back(std::make_unique<ReplaceDecoder>(pattern, content, step.file()));
    } else if (type == "Metaspace") {
      append_utf8(step.character("replacement"), space_mark_);
      const bool prepends = step.text("prepend_scheme", "always") != "never" && step.flag("add_prefix_space", true);
      steps_.push_back(std::make_unique<MetaspaceDecoder>(space_mark_, prepends));
    } else if (type == "WordPiece") {
      continuing_prefix_ = step.text("prefix", "##");
      words_ = true;
      steps_.push_back(std::make_unique<WordPieceDecoder>(continuing_prefix_, step.flag("cleanup", true)));
    } else if (type == "BPEDecoder") {
      end_of_word_ = step.text("suffix", "</w>");
      steps_.push_back(std::make_unique<BpeDecoder>(end_of_word_));
    } else {
      step.refuse("a decoder that this program knows", type);
    }
  }
}

std::string Decoder::decode(std::vector<std::string> tokens) const {
  if (steps_.empty()) return joined_tokens(tokens, " ");
  if (tokens.empty()) return "";
  for (const auto& step : steps_) step->apply(tokens);
  return joined_tokens(tokens);
}

std::string Decoder::bytes_of(std::string_view token) const {
  if (byte_fallback_) {
    if (const auto byte = byte_of(token)) return std::string(1, *byte);
  }
  if (byte_level_) {
    if (auto bytes = alphabet_to_bytes(token)) return *bytes;
  }
  std::string text(token);
  if (!space_mark_.empty()) replace_all(text, space_mark_, " ");
  if (!end_of_word_.empty()) replace_all(text, end_of_word_, " ");
  if (words_) {
    if (text.starts_with(continuing_prefix_)) return text.substr(continuing_prefix_.size());
    text.insert(0, 1, ' ');
  }
  return text;
}

}  // namespace limbeck::text
