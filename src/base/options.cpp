// Settings from a TOML file and from flags into fields; every mistake is gathered before any is thrown.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/errors.h"
#include "base/files.h"
#include "base/option_value.h"
#include "base/toml_keys.h"

namespace limbeck {

namespace {

std::string with_underscores(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class Reader {
 public:
  explicit Reader(const Fields& fields) : fields_(fields) {
    for (const Field& field : fields.list()) by_name_[field.name] = &field, names_.push_back(field.name);
  }

  void read_toml(const std::string& path) {
    std::string text;
    try {
      text = read_file(path, kLargestTextFile);
    } catch (const UserError& e) {
      complete_ = false;
      mistakes_.push_back(e.what());
      return;
    }
    if (const int64_t line = line_of_endless_key(text); line > 0) {
      complete_ = false;
      return mistake(fmt::format("{}:{}", path, line), "expected keys of at most {} parts but received more",
                     kMaxKeyParts);
    }
    try {
      const toml::table table = toml::parse(text, path);
      walk(table, "", path);
    } catch (const toml::parse_error& e) {
      complete_ = false;
      mistake(fmt::format("{}:{}:{}", path, e.source().begin.line, e.source().begin.column), "{}", e.description());
    }
  }

  void read_flag(const std::string& flag) {
    if (!flag.starts_with("--") || flag.size() == 2)
      return mistake(flag, "expected --name=value but received '{}'", flag);
    const auto equals = flag.find('=');
    const std::string where = flag.substr(0, equals), name = with_underscores(where.substr(2));
    if (!is_valid_utf8(flag)) return mistake("flags", "expected UTF-8 text in the value of '{}'", name);
    if (equals != std::string::npos) return read_flag_value(where, name, flag.substr(equals + 1));
    if (const Field* field = find(name)) {
      if (!std::holds_alternative<bool*>(field->target))
        return mistake(where, "expected {}; write {}=VALUE", type_of(*field), where);
      return set(*field, {true}, where);
    }
    if (const Field* field = name.starts_with("no_") ? find(name.substr(3)) : nullptr;
        field != nullptr && std::holds_alternative<bool*>(field->target))
      return set(*field, {false}, where);
    unknown(name, where);
  }

  void check_names() {
    for (const Field& field : fields_.list())
      if (const auto* text = std::get_if<std::string*>(&field.target)) check_name(field, **text);
  }

  void check_rules() {
    if (!complete_) return;
    for (const auto& rule : fields_.checks())
      if (const auto broken = rule()) mistake("options", "{}", *broken);
  }

  const std::vector<std::string>& mistakes() const { return mistakes_; }

 private:
  template <class... Args>
  void mistake(const std::string& where, fmt::format_string<Args...> format, Args&&... args) {
    mistakes_.push_back(fmt::format("[{}] {}", where, fmt::format(format, std::forward<Args>(args)...)));
  }

  const Field* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

  void set(const Field& field, const OptionValue& value, const std::string& where) {
    set_at_[field.name] = where;
    if (const auto wrong = assign(field, value)) {
      failed_[field.name] = true;
      mistake(where, "{}: {}", field.name, *wrong);
    }
  }

  void read_flag_value(const std::string& where, const std::string& name, const std::string& text) {
    if (const Field* field = find(name)) return set(*field, value_of_flag(*field, text), where);
    unknown(name, where);
  }

  void unknown(const std::string& name, const std::string& where) {
    const std::string near = nearest_name(name, names_);
    const std::string hint = near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
    mistake(where, "there is no option '{}'{}", name, hint);
  }

  void walk(const toml::table& table, const std::string& prefix, const std::string& path) {
    for (const auto& [key, node] : table) {
      const std::string name = prefix + with_underscores(std::string(key.str()));
      const std::string where = fmt::format("{}:{}", path, key.source().begin.line);
      if (const Field* field = find(name)) {
        set(*field, value_of(node), where);
      } else if (!is_group(name)) {
        unknown(name, where);
      } else if (const toml::table* group = node.as_table()) {
        walk(*group, name + ".", path);
      } else {
        mistake(where, "{}: expected a table of options but received {}", name, toml_of(value_of(node)));
      }
    }
  }

  bool is_group(const std::string& name) const {
    const auto next = by_name_.lower_bound(name + ".");
    return next != by_name_.end() && next->first.starts_with(name + ".");
  }

  void check_name(const Field& field, const std::string& text) {
    namespace fs = std::filesystem;
    if (field.names == Names::kText || failed_.contains(field.name)) return;
    const bool required = field.names == Names::kRequiredFile || field.names == Names::kRequiredFolder ||
                          field.names == Names::kRequiredFileOrFolder;
    const auto set_at = set_at_.find(field.name);
    if (text.empty()) {
      if (required && complete_)
        mistake("options", "{}: expected {} but none was given; set it with --{}=PATH", field.name, type_of(field),
                field.name);
      return;
    }
    if (!complete_ && set_at == set_at_.end()) return;
    const bool file = field.names == Names::kFile || field.names == Names::kRequiredFile;
    const bool folder = field.names == Names::kFolder || field.names == Names::kRequiredFolder;
    std::error_code ignored;
    const auto status = fs::status(text, ignored);
    const bool output = field.names == Names::kOutputFile;
    const auto parent = fs::path(text).has_parent_path() ? fs::path(text).parent_path() : fs::path(".");
    const char* wrong = output && fs::is_directory(status)             ? "which is a folder"
                        : output && !fs::is_directory(parent, ignored) ? "whose folder is not there"
                        : output                                       ? nullptr
                        : !fs::exists(status)                          ? "which is not there"
                        : file && fs::is_directory(status)             ? "which is a folder"
                        : folder && !fs::is_directory(status)          ? "which is not a folder"
                                                                       : nullptr;
    if (wrong != nullptr)
      mistake(set_at == set_at_.end() ? "options" : set_at->second, "{}: expected {} but received '{}', {}", field.name,
              type_of(field), text, wrong);
  }

  const Fields& fields_;
  std::map<std::string, const Field*> by_name_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> set_at_;
  std::map<std::string, bool> failed_;
  std::vector<std::string> mistakes_;
  bool complete_ = true;  // the whole TOML file could be read, so what is not set was not given
};

}  // namespace

void read_options(Fields& fields, const std::string& toml_path_or_empty, const std::vector<std::string>& flags) {
  for (const auto& flag : flags)
    if (flag == "--help" || flag == "-h" || flag == "--markdown")
      throw HelpAsked{.text = flag == "--markdown" ? to_markdown(fields) : to_help(fields),
                      .markdown = flag == "--markdown"};
  Reader reader(fields);
  if (!toml_path_or_empty.empty()) reader.read_toml(toml_path_or_empty);
  const auto is_config = [](const std::string& flag) { return flag.starts_with("--config="); };
  for (const auto& flag : flags)
    if (is_config(flag)) reader.read_toml(flag.substr(flag.find('=') + 1));
  for (const auto& flag : flags)
    if (!is_config(flag)) reader.read_flag(flag);
  reader.check_names();
  reader.check_rules();
  if (!reader.mistakes().empty()) throw UserErrors(reader.mistakes());
}

}  // namespace limbeck
