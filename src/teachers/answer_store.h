// What a served teacher answered, in a file that only grows (JSON Lines), so that nothing is asked twice and nothing
// that was paid for is lost, however a process ends. A line is written before a request is sent and another one before
// its answer is used:
//   {"answers_of": {…}}                                       whose answers these are; the first line
//   {"key": K, "asked": [prompt tokens, completion tokens]}   what it may cost at worst
//   {"key": K, "failed": [prompt tokens, completion tokens]}  what it may have cost all the same
//   {"key": K, "id": "p1", "first": 0, "charged": [p, c], "choices": [{"text", "finish", "log_prob"}, …]}
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/files.h"
#include "base/json.h"
#include "teachers/budget.h"
#include "teachers/openai.h"

namespace limbeck::teachers {

class AnswerStore {
 public:
  // Opens or begins the file. Throws UserError when it holds the answers of another teacher, or when another process
  // has it open. A torn last line of a killed process is cut off.
  AnswerStore(const std::filesystem::path& file, const Json& whose);
  ~AnswerStore();
  AnswerStore(const AnswerStore&) = delete;
  AnswerStore& operator=(const AnswerStore&) = delete;

  std::optional<Answer> find(const std::string& key) const;
  int64_t num_answers() const { return static_cast<int64_t>(places_.size()); }
  // By all processes. What was asked and never answered (its process was killed) counts at its worst.
  const Tokens& spent() const { return spent_; }

  void asked(const std::string& key, const Tokens& worst);
  void failed(const std::string& key, const Tokens& charged);
  void answered(const std::string& key, const std::string& id, int64_t first_sample, const Answer& answer,
                const Tokens& charged);
  void sync();  // to the disk; otherwise at most a second passes

 private:
  struct Place {
    uint64_t offset = 0, length = 0;
  };
  uint64_t append(const Json& row);  // where the line begins
  void take_in(const Json& row, const Place& place, const std::string& where);

  std::filesystem::path file_;
  int lock_ = -1;
  std::optional<LineAppender> lines_;
  uint64_t size_ = 0;
  std::unordered_map<std::string, Place> places_;    // of the answers
  std::unordered_map<std::string, Tokens> pending_;  // asked and neither answered nor failed
  Tokens spent_;
  std::chrono::steady_clock::time_point synced_;
};

// The choices of an answer's line. Throws UserError naming `where`.
Answer answer_of_row(const Json& row, const std::string& where);

const char* finish_text(generate::Finish finish);  // "end_of_text", "stop", "length"
// Of that text; throws UserError naming `where`.
generate::Finish finish_of(const std::string& text, const std::string& where);

}  // namespace limbeck::teachers
