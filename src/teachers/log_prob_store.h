// A teacher's most likely next tokens for the texts that a student will learn, with the mass of all others: what logit
// distillation needs of a teacher, so that the teacher need not be in memory (or on this machine) while the student
// learns. A file of blocks, one a text, that only grows: a killed process leaves at most one torn block, which the next
// one cuts off. It is read through a memory map, every size in it is checked against the file, and every block has a
// checksum.
//
// Of each place: up to k tokens, 2 or 3 bytes each, and a log-probability in steps of 1/2048 nat (2 bytes) for each and
// for the rest. Tokens are left out once those before them leave no more than `tail` of the mass.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "generate/top_log_probs.h"
#include "text/tokenizer.h"

namespace limbeck::teachers {

struct LogProbHeader {
  int64_t vocab_size = 0;
  int64_t k = 0;          // tokens of a place at most, 1 to 255
  double tail = 0;        // mass that may be left to the rest although k has room
  std::string tokenizer;  // tokenizer_hash() of the vocabulary that the ids are of
};

// SHA-256 over every token's bytes in the order of ids: two tokenizers with the same hash have the same ids.
std::string tokenizer_hash(const text::Tokenizer& tokenizer);

class LogProbWriter {
 public:
  // Begins the file or goes on with it. Throws UserError when it holds something else than `header` says, or when
  // another process has it open.
  LogProbWriter(const std::filesystem::path& file, const LogProbHeader& header);
  ~LogProbWriter();
  LogProbWriter(const LogProbWriter&) = delete;
  LogProbWriter& operator=(const LogProbWriter&) = delete;

  bool contains(std::span<const int32_t> text) const;
  // What predicts text[places[i]] from the tokens before it. Places ascend. A text that is there is not written again.
  void add(std::span<const int32_t> text, std::span<const int64_t> places,
           std::span<const generate::TopLogProbs> predictions);
  void sync();

  int64_t k() const { return header_.k; }
  int64_t num_places() const { return num_places_; }  // written by this process
  int64_t num_bytes() const { return num_bytes_; }    // likewise

 private:
  std::filesystem::path file_;
  LogProbHeader header_;
  int descriptor_ = -1;
  std::unordered_map<std::string, uint64_t> blocks_;  // key to offset
  int64_t num_places_ = 0, num_bytes_ = 0;
};

// One place as it is read: log-probabilities that, with the rest, have mass 1.
struct Prediction {
  std::span<const int32_t> ids;
  std::span<const float> log_probs;
  float rest = 0;  // mass
};

class LogProbStore {
 public:
  // Maps the file and walks over its blocks. Throws Error naming the byte where it is not what it should be.
  explicit LogProbStore(const std::filesystem::path& file);

  const LogProbHeader& header() const { return header_; }
  int64_t num_texts() const { return static_cast<int64_t>(blocks_.size()); }
  bool contains(std::span<const int32_t> text) const;
  // Calls on_place for every place of the text in ascending order. Throws Error when the text is not there, or its
  // block is damaged. Thread-safe.
  void read(std::span<const int32_t> text,
            const std::function<void(int64_t place, const Prediction& prediction)>& on_place) const;

 private:
  MappedFile file_;
  LogProbHeader header_;
  std::unordered_map<std::string, uint64_t> blocks_;
};

}  // namespace limbeck::teachers
