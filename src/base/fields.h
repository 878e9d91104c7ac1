// Options are declared once: an options struct has `void describe(Fields& f)`, which names every member with its help
// and range. TOML files, flags, help, generated docs and the resolved options.toml all come from the list this
// collects.
//
//   struct Options {
//     double temperature = 0.6;
//     Keep keep = Keep::kFirst;
//     void describe(Fields& f) {
//       f("temperature", temperature, "softens the teacher's predictions (T, eq. 3)", above(0));
//       f("keep", keep, "which passing samples train the student", {{"first", Keep::kFirst}, {"all", Keep::kAll}});
//       f.group("train", train);
//     }
//   };
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace limbeck {

// The allowed interval of a number.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
  bool contains(double value) const;
  std::string text() const;  // "> 0", "0 to 1", "" when unlimited
};
inline Range above(double low) {
  return {.low = low, .low_open = true};
}
inline Range at_least(double low) {
  return {.low = low};
}
inline Range within(double low, double high) {
  return {.low = low, .high = high};
}

// What a text option names, so that mistakes are found before any work.
// kOutputFile is written at the end of the work: its folder must be there, and no folder in its place.
enum class Names {
  kText,
  kFile,
  kFolder,
  kFileOrFolder,
  kRequiredFile,
  kRequiredFolder,
  kRequiredFileOrFolder,
  kOutputFile
};

// A choice among named values, type-erased.
struct Choice {
  std::vector<std::string> names;
  std::function<std::size_t()> get;
  std::function<void(std::size_t)> set;
};

struct Field {
  using Target = std::variant<bool*, int64_t*, double*, std::string*, std::vector<std::string>*, std::vector<int64_t>*,
                              std::vector<double>*, Choice>;
  std::string name;  // dotted path, "train.epochs"
  std::string help;
  Target target;
  Range range;
  Names names = Names::kText;
  bool speed_only = false;  // changes no result: a run goes on with another value
};

class Fields {
 public:
  void operator()(std::string_view name, bool& value, std::string_view help);
  Field& operator()(std::string_view name, int64_t& value, std::string_view help, Range range = {});
  void operator()(std::string_view name, double& value, std::string_view help, Range range = {});
  void operator()(std::string_view name, std::string& value, std::string_view help, Names names = Names::kText);
  void operator()(std::string_view name, std::vector<std::string>& value, std::string_view help);
  void operator()(std::string_view name, std::vector<int64_t>& value, std::string_view help, Range range = {});
  void operator()(std::string_view name, std::vector<double>& value, std::string_view help, Range range = {});

  template <class E>
  requires std::is_enum_v<E>
  void operator()(std::string_view name, E& value, std::string_view help,
                  std::vector<std::pair<std::string, std::type_identity_t<E>>> choices) {
    Choice choice;
    std::vector<E> values;
    for (auto& [label, v] : choices) choice.names.push_back(label), values.push_back(v);
    choice.get = [values, &value] {
      for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] == value) return i;
      return std::size_t{0};
    };
    choice.set = [values, &value](std::size_t i) { value = values.at(i); };
    add(name, help, std::move(choice));
  }

  template <class G>
  void group(std::string_view name, G& options) {
    const std::string before = prefix_;
    prefix_ += std::string(name) + ".";
    options.describe(*this);
    prefix_ = before;
  }

  // A rule over several fields; returns a message when it is broken.
  void check(std::function<std::optional<std::string>()> rule) { checks_.push_back(std::move(rule)); }

  const std::vector<Field>& list() const { return list_; }
  const std::vector<std::function<std::optional<std::string>()>>& checks() const { return checks_; }

 private:
  Field& add(std::string_view name, std::string_view help, Field::Target target, Range range = {},
             Names names = Names::kText);
  std::string prefix_;
  std::vector<Field> list_;
  std::vector<std::function<std::optional<std::string>()>> checks_;
};

// The fields of an options struct; pointers into `options`, which must outlive the result.
template <class O>
Fields fields_of(O& options) {
  Fields fields;
  options.describe(fields);
  return fields;
}

// Thrown by read_options when the flags ask for --help or --markdown: main prints the text and ends with 0.
struct HelpAsked {
  std::string text;
  bool markdown = false;
};

// Reads a TOML file, then flags ("--train.epochs=3", "--flag" for true); flags win. Throws UserErrors with every
// mistake at once: unknown name with the nearest known one, wrong type, out of range, missing file, broken rule. A flag
// may be spelled with - for _; --no-flag is false; lists are "a,b" or TOML's "[1, 2]"; --config=FILE names a TOML file
// among the flags.
void read_options(Fields& fields, const std::string& toml_path_or_empty, const std::vector<std::string>& flags);

// The resolved options as TOML (every field, in declaration order, groups as tables); reading it back gives equal
// bytes. Lines that are no part of what a run is (speed, names of files whose content counts) end in a comment.
std::string to_toml(const Fields& fields);
inline constexpr std::string_view kNotCompared = "  # not compared";

// "name  type  default  range  help" for a terminal, and a Markdown page body for docs/options.
std::string to_help(const Fields& fields);
std::string to_markdown(const Fields& fields);

// The known name nearest to `name` by edit distance, empty when none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

}  // namespace limbeck
