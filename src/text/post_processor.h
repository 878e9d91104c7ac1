// The post-processors of tokenizer.json: the special tokens around a text and around a pair of texts, and type ids.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "text/component.h"
#include "text/encoding.h"

namespace limbeck::text {

class PostProcessor {
 public:
  PostProcessor();  // none: texts one after another
  // Throws UserError naming the component that is not supported; ids are below vocab_size.
  PostProcessor(const Component& component, int64_t vocab_size);
  // "bos A eos", and "bos A eos bos B eos" for a pair.
  PostProcessor(std::optional<int32_t> bos, std::optional<int32_t> eos);

  enum class Special { kAdd, kLeaveOut };
  Encoding process(std::vector<int32_t> a, const std::vector<int32_t>* b, Special special) const;
  // For a text alone: what goes before and after it.
  const std::vector<int32_t>& before() const { return before_; }
  const std::vector<int32_t>& after() const { return after_; }
  int64_t num_added(bool is_pair) const;
  bool operator==(const PostProcessor&) const = default;
  bool is_simple() const { return simple_; }  // a text alone is: before, the text, after

 private:
  struct Part {
    enum class Kind { kFirst, kSecond, kSpecial };
    Kind kind;
    std::vector<int32_t> ids;  // of kSpecial
    int32_t type_id;
    bool operator==(const Part&) const = default;
  };
  static std::vector<Part> read_template(const Component& step, const char* key, int64_t vocab_size);
  void set_classic(const Component& step, int64_t vocab_size, bool roberta);
  void note_what_surrounds();
  static Part special(int32_t id, int32_t type_id) { return {Part::Kind::kSpecial, {id}, type_id}; }

  std::vector<Part> single_, pair_;
  std::vector<int32_t> before_, after_;
  bool simple_ = true;
};

struct TokenizerSpec;
PostProcessor make_post_processor(const TokenizerSpec& spec, int64_t vocab_size);

}  // namespace limbeck::text
