#include "recipes/random_programs.h"

#include <cctype>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/errors.h"
#include "synthesis/prompts.h"

namespace limbeck::recipes {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The end of the number that begins at `at`: digits, and a point or (with_commas) a comma between digits.
std::size_t number_end(std::string_view text, std::size_t at, bool with_commas) {
  bool point = false;
  while (at < text.size()) {
    const bool between = at + 1 < text.size() && is_digit(text[at + 1]);
    if (text[at] == '.' && between && !point)
      point = true;
    else if (!is_digit(text[at]) && !(with_commas && text[at] == ',' && between))
      break;
    ++at;
  }
  return at;
}

// Hands out numbers in a shuffled order, again and again.
class Numbers {
 public:
  Numbers(std::vector<std::string> numbers, Random& random) : numbers_(std::move(numbers)), random_(random) {
    random_.shuffle(numbers_);
  }
  std::string next(bool with_point) {
    if (next_ == numbers_.size()) {
      random_.shuffle(numbers_);
      next_ = 0;
    }
    const std::string& number = numbers_[next_++];
    return with_point && number.find('.') == std::string::npos ? number + ".0" : number;
  }

 private:
  std::vector<std::string> numbers_;
  Random& random_;
  std::size_t next_ = 0;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

// Where the number of a line "name = number" begins, and its length; 0 for any other line.
std::pair<std::size_t, std::size_t> bound_number(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return {0, 0};
  const std::string_view name = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
  if (name.empty() || value.empty() || !is_digit(value[0])) return {0, 0};
  for (const char c : name)
    if (!is_word(c)) return {0, 0};
  if (number_end(value, 0, false) != value.size()) return {0, 0};
  return {static_cast<std::size_t>(value.data() - line.data()), value.size()};
}

std::string with_every_number(std::string_view program, Numbers& numbers) {
  std::string text;
  for (std::size_t i = 0; i < program.size();) {
    const bool inside_a_name = i > 0 && (is_word(program[i - 1]) || program[i - 1] == '.');
    if (!is_digit(program[i]) || inside_a_name) {
      text += program[i++];
      continue;
    }
    const std::size_t end = number_end(program, i, false);
    text += numbers.next(program.substr(i, end - i).find('.') != std::string_view::npos);
    i = end;
  }
  return text;
}

class RandomPrograms final : public teachers::Teacher {
 public:
  RandomPrograms(std::vector<TrainingPair> pairs, std::span<const synthesis::Problem> problems)
      : pairs_(std::move(pairs)) {
    for (const auto& problem : problems) questions_.emplace(problem.id, problem.question);
  }

  std::string about() const override { return "programs of other questions with this question's numbers"; }

  void sample(std::span<const teachers::Question> questions, const generate::SamplingOptions&,
              const std::function<void(generate::Sample)>& on_sample) override {
    for (std::size_t q = 0; q < questions.size(); ++q)
      for (int64_t i = 0; i < questions[q].num_samples; ++i) {
        const int64_t index = questions[q].first_sample + i;
        on_sample({.prompt_index = static_cast<int64_t>(q),
                   .sample_index = index,
                   .text = "\n" +
                           program_for(questions_.at(questions[q].id),
                                       questions[q].seed.derive(static_cast<uint64_t>(index))) +
                           "\n",
                   .finish = generate::Finish::kEndOfText,
                   .log_prob = std::numeric_limits<double>::quiet_NaN()});
      }
  }

 private:
  std::string program_for(const std::string& question, Seed seed) const {
    Random random(seed);
    const TrainingPair* pair = &pairs_[random.below(pairs_.size())];
    // Another question's; where there is only this one's, that.
    for (int tries = 0; pair->question == question && tries < 64; ++tries) pair = &pairs_[random.below(pairs_.size())];
    return with_numbers(pair->program, numbers_in(question), random);
  }

  std::vector<TrainingPair> pairs_;
  std::unordered_map<std::string, std::string> questions_;  // by id
};

}  // namespace

std::vector<std::string> numbers_in(std::string_view question) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < question.size();) {
    if (!is_digit(question[i])) {
      ++i;
      continue;
    }
    const std::size_t end = number_end(question, i, true);
    std::string number;
    for (const char c : question.substr(i, end - i))
      if (c != ',') number += c;
    // Python reads 007 as a mistake.
    while (number.size() > 1 && number[0] == '0' && number[1] != '.') number.erase(0, 1);
    numbers.push_back(std::move(number));
    i = end;
  }
  return numbers;
}

std::string with_numbers(std::string_view program, std::vector<std::string> own, Random& random) {
  if (own.empty()) return std::string(program);
  Numbers numbers(std::move(own), random);
  std::string text;
  bool any = false;
  for (std::size_t begin = 0; begin <= program.size();) {
    const std::size_t end = std::min(program.find('\n', begin), program.size());
    const std::string_view line = program.substr(begin, end - begin);
    const auto [at, length] = bound_number(line);
    text += begin == 0 ? "" : "\n";
    if (length == 0) {
      text += line;
    } else {
      const bool with_point = line.substr(at, length).find('.') != std::string_view::npos;
      text += std::string(line.substr(0, at)) + numbers.next(with_point) + std::string(line.substr(at + length));
      any = true;
    }
    begin = end + 1;
  }
  return any ? text : with_every_number(program, numbers);
}

std::unique_ptr<teachers::Teacher> random_programs(std::vector<TrainingPair> pairs,
                                                   std::span<const synthesis::Problem> problems) {
  if (pairs.empty()) fail("random_programs", "expected programs to draw from but received none");
  return std::make_unique<RandomPrograms>(std::move(pairs), problems);
}

}  // namespace limbeck::recipes
