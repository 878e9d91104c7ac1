#include "teachers/answer_store.h"

#include <fcntl.h>
#include <sys/file.h>  // flock
#include <unistd.h>

#include <cerrno>
#include <cmath>  // std::isnan
#include <cstring>
#include <fstream>
#include <vector>

#include "base/errors.h"
#include "base/printable.h"

namespace limbeck::teachers {
namespace {

constexpr const char* kFinishTexts[] = {"end_of_text", "stop", "length"};
constexpr uint64_t kMostTokens = uint64_t{1} << 32;  // of a line; no file has so many lines that their sum overflows

Json pair_of(const Tokens& tokens) {
  return {tokens.prompt, tokens.completion};
}

Tokens tokens_in(const Json& row, const char* key, const std::string& where) {
  const Json& pair = row.at(key);
  const auto is_count = [](const Json& n) { return n.is_number_unsigned() && n.get<uint64_t>() <= kMostTokens; };
  if (!pair.is_array() || pair.size() != 2 || !is_count(pair[0]) || !is_count(pair[1]))
    user_fail(where, "field '{}': expected two counts of tokens but received {}", key, printable_value(pair));
  return {.prompt = pair[0].get<int64_t>(), .completion = pair[1].get<int64_t>()};
}

}  // namespace

const char* finish_text(generate::Finish finish) {
  return kFinishTexts[static_cast<int>(finish)];
}

generate::Finish finish_of(const std::string& text, const std::string& where) {
  for (int i = 0; i < 3; ++i)
    if (text == kFinishTexts[i]) return static_cast<generate::Finish>(i);
  user_fail(where, "field 'finish': expected end_of_text, stop or length but received {}", printable(text));
}

Answer answer_of_row(const Json& row, const std::string& where) {
  const Json& choices = row.at("choices");
  if (!choices.is_array() || choices.empty()) user_fail(where, "field 'choices': expected a list of choices");
  Answer answer;
  for (const Json& choice : choices) {
    answer.choices.push_back({.text = field<std::string>(choice, "text", where),
                              .finish = finish_of(field<std::string>(choice, "finish", where), where)});
    if (const auto log_prob = choice.find("log_prob"); log_prob != choice.end() && log_prob->is_number())
      answer.choices.back().log_prob = log_prob->get<double>();
  }
  return answer;
}

AnswerStore::AnswerStore(const std::filesystem::path& file, const Json& whose) : file_(file) {
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) user_fail(file.string(), "cannot open the teacher's answers: {}", std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    user_fail(file.string(), "another process is asking this teacher and writes its answers here");
  }
  try {
    lines_.emplace(file);
    std::size_t begin = 0;
    int64_t number = 0;
    if (std::filesystem::file_size(file) > 0) {
      const MappedFile mapped(file);
      const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
      while (begin < text.size()) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string where = fmt::format("{}:{}", file.string(), ++number);
        const Json row = parse_json(text.substr(begin, end - begin), where);
        if (number == 1) {
          if (!row.is_object() || !row.contains("answers_of"))
            user_fail(where, "expected a file of a teacher's answers but received another one");
          if (row["answers_of"] != whose)
            user_fail(
                where,
                "this file holds the answers of another teacher, {}, and not of {}; name another file, or run into "
                "another folder",
                to_line(row["answers_of"]), to_line(whose));
        } else {
          take_in(row, {begin, end - begin}, where);
        }
        begin = end + 1;
      }
    }
    size_ = begin;
    if (number == 0) append({{"answers_of", whose}});
  } catch (...) {
    ::close(lock_);
    throw;
  }
  for (const auto& [key, worst] : pending_) spent_ += worst;
  pending_.clear();
}

AnswerStore::~AnswerStore() {
  ::close(lock_);
}

void AnswerStore::take_in(const Json& row, const Place& place, const std::string& where) {
  const auto key = field<std::string>(row, "key", where);
  const auto pending = pending_.find(key);
  if (row.contains("asked")) {
    if (pending != pending_.end()) spent_ += pending->second;  // that time it was killed
    pending_[key] = tokens_in(row, "asked", where);
    return;
  }
  if (pending != pending_.end()) pending_.erase(pending);
  if (row.contains("failed")) {
    spent_ += tokens_in(row, "failed", where);
  } else if (row.contains("choices") && row.contains("charged")) {
    spent_ += tokens_in(row, "charged", where);
    answer_of_row(row, where);
    places_.emplace(key, place);
  } else {
    user_fail(where, "expected a line of a teacher's answers but received {}", printable(to_line(row)));
  }
}

std::optional<Answer> AnswerStore::find(const std::string& key) const {
  const auto found = places_.find(key);
  if (found == places_.end()) return std::nullopt;
  std::string line(found->second.length, '\0');
  std::ifstream in(file_, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(found->second.offset));
  if (!in.read(line.data(), static_cast<std::streamsize>(line.size())))
    fail(file_.string(), "cannot read the answer at byte {}", found->second.offset);
  const std::string where = fmt::format("{} at byte {}", file_.string(), found->second.offset);
  return answer_of_row(parse_json(line, where), where);
}

uint64_t AnswerStore::append(const Json& row) {
  const std::string line = to_line(row);
  const uint64_t begin = size_;
  lines_->append(line);
  size_ += line.size() + 1;
  if (std::chrono::steady_clock::now() - synced_ > std::chrono::seconds(1)) sync();
  return begin;
}

void AnswerStore::sync() {
  lines_->sync();
  synced_ = std::chrono::steady_clock::now();
}

void AnswerStore::asked(const std::string& key, const Tokens& worst) {
  append({{"key", key}, {"asked", pair_of(worst)}});
}

void AnswerStore::failed(const std::string& key, const Tokens& charged) {
  append({{"key", key}, {"failed", pair_of(charged)}});
  spent_ += charged;
}

void AnswerStore::answered(const std::string& key, const std::string& id, int64_t first_sample, const Answer& answer,
                           const Tokens& charged) {
  Json choices = Json::array();
  for (const Choice& choice : answer.choices) {
    choices.push_back({{"text", choice.text}, {"finish", finish_text(choice.finish)}});
    if (!std::isnan(choice.log_prob)) choices.back()["log_prob"] = choice.log_prob;
  }
  const uint64_t begin = append({{"key", key},
                                 {"id", id},
                                 {"first", first_sample},
                                 {"charged", pair_of(charged)},
                                 {"choices", std::move(choices)}});
  places_[key] = {begin, size_ - 1 - begin};
  spent_ += charged;
}

}  // namespace limbeck::teachers
