// Fields as text: the resolved TOML, help for a terminal, a table for the documentation.
#include <fmt/format.h>

#include <algorithm>

#include "base/option_value.h"
#include "base/wrapped_text.h"

namespace limbeck {
namespace {

std::string group_of(const Field& field) {
  const auto dot = field.name.rfind('.');
  return dot == std::string::npos ? "" : field.name.substr(0, dot);
}

std::string key_in_group(const Field& field) {
  const auto dot = field.name.rfind('.');
  return dot == std::string::npos ? field.name : field.name.substr(dot + 1);
}

bool is_required(const Field& field) {
  return field.names == Names::kRequiredFile || field.names == Names::kRequiredFolder ||
         field.names == Names::kRequiredFileOrFolder;
}

// The default as help shows it: numbers without a forced ".0", nothing for an empty text.
std::string default_of(const Field& field) {
  if (is_required(field)) return "";
  if (const auto* number = std::get_if<double*>(&field.target)) return fmt::format("{}", **number);
  if (const auto* text = std::get_if<std::string*>(&field.target); text != nullptr && (*text)->empty()) return "";
  if (const auto* choice = std::get_if<Choice>(&field.target)) return choice->names.at(choice->get());
  return toml_of(field);
}

std::string short_type(const Field& field) {
  struct Name {
    const Field& field;
    std::string operator()(bool*) const { return ""; }
    std::string operator()(int64_t*) const { return "N"; }
    std::string operator()(double*) const { return "NUMBER"; }
    std::string operator()(std::string*) const {
      if (field.names == Names::kText) return "TEXT";
      return field.names == Names::kFile || field.names == Names::kRequiredFile || field.names == Names::kOutputFile
                 ? "FILE"
             : field.names == Names::kFolder || field.names == Names::kRequiredFolder ? "DIR"
                                                                                      : "PATH";
    }
    std::string operator()(std::vector<std::string>*) const { return "A,B"; }
    std::string operator()(std::vector<int64_t>*) const { return "N,N"; }
    std::string operator()(std::vector<double>*) const { return "X,X"; }
    std::string operator()(const Choice& choice) const { return fmt::format("{}", fmt::join(choice.names, "|")); }
  };
  return std::visit(Name{field}, field.target);
}

std::string flag_of(const Field& field) {
  std::string name = field.name;
  std::replace(name.begin(), name.end(), '_', '-');
  const std::string type = short_type(field);
  return "--" + name + (type.empty() ? "" : "=" + type);
}

std::string in_cell(std::string text) {
  for (std::size_t at = 0; (at = text.find_first_of("|\n", at)) != std::string::npos; at += 2) {
    if (text[at] == '\n')
      text[at] = ' ';
    else
      text.insert(at, "\\");
  }
  return text;
}

std::string without_article(std::string type) {
  for (const std::string_view article : {"a ", "an "})
    if (type.starts_with(article)) return type.substr(article.size());
  return type;
}

}  // namespace

std::string to_toml(const Fields& fields) {
  std::vector<std::string> groups = {
      ""};  // keys of no group come first, as TOML needs it; then groups as first declared
  for (const Field& field : fields.list())
    if (std::find(groups.begin(), groups.end(), group_of(field)) == groups.end()) groups.push_back(group_of(field));
  std::string text;
  for (const auto& group : groups) {
    if (!group.empty()) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", group);
    for (const Field& field : fields.list())
      if (group_of(field) == group)
        text += fmt::format("{} = {}{}\n", key_in_group(field), toml_of(field),
                            field.speed_only || field.names != Names::kText ? kNotCompared : "");
  }
  return text;
}

std::string to_help(const Fields& fields) {
  constexpr std::size_t kLeft = 34, kWidth = 110;
  std::string text;
  for (const Field& field : fields.list()) {
    const std::string flag = flag_of(field), standard = default_of(field), range = field.range.text();
    std::vector<std::string> notes;
    if (is_required(field)) notes.push_back("required");
    if (!standard.empty()) notes.push_back("default " + standard);
    if (!range.empty()) notes.push_back(range);
    const std::string help = field.help + (notes.empty() ? "" : fmt::format(" [{}]", fmt::join(notes, "; ")));
    text += "  " + flag;
    text += flag.size() + 2 < kLeft ? std::string(kLeft - flag.size() - 2, ' ') : "\n" + std::string(kLeft, ' ');
    text += wrapped_text(help, kWidth - kLeft, kLeft) + "\n";
  }
  return text;
}

std::string to_markdown(const Fields& fields) {
  std::string text =
      "In a TOML file under these names, what stands before a dot being a table; as flags `--name=value`, with `-` for "
      "`_` if you like.\n\n| option | type | default | range | what it does |\n| --- | --- | --- | --- | --- |\n";
  for (const Field& field : fields.list()) {
    Field without_range = field;
    without_range.range = {};
    const std::string standard = is_required(field) ? "required" : default_of(field);
    text += fmt::format("| `{}` | {} | {} | {} | {} |\n", field.name, in_cell(without_article(type_of(without_range))),
                        standard.empty() || is_required(field) ? standard : "`" + in_cell(standard) + "`",
                        in_cell(field.range.text()), in_cell(field.help));
  }
  return text;
}

}  // namespace limbeck
