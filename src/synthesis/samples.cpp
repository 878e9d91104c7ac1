#include "synthesis/samples.h"

#include <array>
#include <span>

namespace limbeck::synthesis {
namespace {

using generate::Finish;
using sandbox::AnswerType;
using sandbox::Outcome;

constexpr std::array kOutcomes = {Outcome::kPassed,  Outcome::kWrongAnswer,  Outcome::kException,
                                  Outcome::kTimeOut, Outcome::kMemory,       Outcome::kOutputLimit,
                                  Outcome::kKilled,  Outcome::kForbiddenCall};
constexpr std::array<std::pair<Finish, const char*>, 3> kFinishes = {
    {{Finish::kEndOfText, "end_of_text"}, {Finish::kStop, "stop"}, {Finish::kLength, "length"}}};
constexpr std::array<std::pair<AnswerType, const char*>, 4> kTypes = {{{AnswerType::kInt, "int"},
                                                                       {AnswerType::kFloat, "float"},
                                                                       {AnswerType::kOther, "other"},
                                                                       {AnswerType::kNone, "none"}}};

template <class E, std::size_t N>
const char* name_in(const std::array<std::pair<E, const char*>, N>& table, E value) {
  for (const auto& [v, name] : table)
    if (v == value) return name;
  return "";
}

template <class E, std::size_t N>
E value_in(const std::array<std::pair<E, const char*>, N>& table, const std::string& name, const char* key,
           std::string_view where) {
  for (const auto& [value, known] : table)
    if (name == known) return value;
  user_fail(where, "field '{}': received the unknown name '{}'", key, name);
}

Outcome outcome_of(const std::string& name, std::string_view where) {
  for (const Outcome outcome : kOutcomes)
    if (name == sandbox::name_of(outcome)) return outcome;
  user_fail(where, "field 'verdict': received the unknown name '{}'", name);
}

// Addresses differ from process to process; the file must not.
std::string without_addresses(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    result += text[i];
    if (text[i] != 'x' || i == 0 || text[i - 1] != '0') continue;
    std::size_t end = i + 1;
    while (end < text.size() && std::isxdigit(static_cast<unsigned char>(text[end]))) ++end;
    if (end - i < 7) continue;
    result += "...";
    i = end - 1;
  }
  return result;
}

}  // namespace

Json to_row(const JudgedSample& sample) {
  Json row;
  row["id"] = sample.id;
  row["sample"] = sample.sample;
  row["verdict"] = sandbox::name_of(sample.verdict.outcome);
  row["kept"] = sample.kept;
  row["reason"] = sample.reason;
  row["answer"] = sample.verdict.answer ? Json(*sample.verdict.answer) : Json();
  row["type"] = name_in(kTypes, sample.verdict.type);
  row["detail"] = without_addresses(sample.verdict.detail);
  row["finish"] = name_in(kFinishes, sample.finish);
  row["program"] = sample.program;
  row["text"] = sample.text;
  return row;
}

JudgedSample from_row(const Json& row, std::string_view where) {
  JudgedSample sample{.id = field<std::string>(row, "id", where), .sample = field<int64_t>(row, "sample", where)};
  sample.verdict.outcome = outcome_of(field<std::string>(row, "verdict", where), where);
  sample.verdict.detail = field<std::string>(row, "detail", where);
  sample.verdict.type = value_in(kTypes, field<std::string>(row, "type", where), "type", where);
  if (const auto answer = row.find("answer"); answer != row.end() && answer->is_number())
    sample.verdict.answer = answer->get<double>();
  sample.finish = value_in(kFinishes, field<std::string>(row, "finish", where), "finish", where);
  sample.kept = field<bool>(row, "kept", where);
  sample.reason = field<std::string>(row, "reason", where);
  sample.program = field<std::string>(row, "program", where);
  sample.text = field<std::string>(row, "text", where);
  return sample;
}

std::vector<JudgedSample> read_samples(const std::filesystem::path& path) {
  std::vector<JudgedSample> samples;
  read_jsonl(path, [&](const Json& row, int64_t line) {
    samples.push_back(from_row(row, fmt::format("{}:{}", path.string(), line)));
  });
  return samples;
}

}  // namespace limbeck::synthesis
