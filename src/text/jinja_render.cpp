#include "text/jinja_render.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

#include "base/errors.h"
#include "text/jinja_syntax.h"
#include "text/jinja_values.h"
#include "text/jinja_work.h"

namespace limbeck::text::jinja {
namespace {

constexpr int64_t kMaxWork = 2'000'000;
constexpr int kMaxCalls = 50;          // of macros in macros
constexpr int kMaxEvaluations = 1000;  // of expressions in expressions, those of macros included
constexpr std::size_t kMaxOutput = std::size_t(16) << 20;

using Kind = Expression::Kind;
using Scope = std::map<std::string, Json, std::less<>>;  // many names are as quick to find as few

class Renderer {
 public:
  Renderer(const Json& variables, std::optional<std::time_t> now) : now_(now.value_or(std::time(nullptr))) {
    Scope& outermost = scopes_.emplace_back();
    for (const auto& [name, value] : variables.items()) outermost.emplace(name, value);
  }
  std::string run(const Body& body) {
    render(body, out_);
    return std::move(out_);
  }

 private:
  enum class Flow { kOn, kBreak, kContinue };

  // Puts the line before what an operation complains about.
  template <class F>
  auto at_line(int64_t line, F&& work) -> decltype(work()) {
    spend(1, line);
    try {
      return work();
    } catch (const UserError& error) {
      const std::string_view what = error.what();
      if (what.starts_with("[chat template line")) throw;
      const std::size_t end = what.find("] ");
      throw UserError("[" + where(line) + "] " + std::string(what.substr(end == std::string_view::npos ? 0 : end + 2)));
    }
  }
  void spend(int64_t work, int64_t line) {
    work_ += work;
    if (work_ > kMaxWork) user_fail(where(line), "expected a template that ends but it goes on and on");
  }
  static std::string where(int64_t line) { return "chat template line " + std::to_string(line); }

  void write(const std::string& text, std::string& out, int64_t line) {
    spend(1 + int64_t(text.size() / 64), line);
    if (out.size() + text.size() > kMaxOutput) user_fail(where(line), "expected at most {} bytes of text", kMaxOutput);
    out += text;
  }

  Flow render(const Body& body, std::string& out) {
    for (const Statement& statement : body) {
      const Flow flow = render(statement, out);
      if (flow != Flow::kOn) return flow;
    }
    return Flow::kOn;
  }

  Flow render(const Statement& s, std::string& out) {
    switch (s.kind) {
      case Statement::Kind::kText:
        write(s.text, out, s.line);
        return Flow::kOn;
      case Statement::Kind::kOutput:
        write(to_text(value_of(*s.value)), out, s.line);
        return Flow::kOn;
      case Statement::Kind::kIf:
        return render(is_true(value_of(*s.value)) ? s.body : s.otherwise, out);
      case Statement::Kind::kFor:
        return render_loop(s, out);
      case Statement::Kind::kSet:
        set(s);
        return Flow::kOn;
      case Statement::Kind::kMacro:
        macros_[s.text] = &s;
        return Flow::kOn;
      case Statement::Kind::kScope: {
        scopes_.emplace_back();
        const Flow flow = render(s.body, out);
        scopes_.pop_back();
        return flow;
      }
      case Statement::Kind::kBreak:
        return Flow::kBreak;
      case Statement::Kind::kContinue:
        return Flow::kContinue;
    }
    return Flow::kOn;
  }

  void set(const Statement& s) {
    Json value;
    if (s.value) {
      value = value_of(*s.value);
    } else {
      std::string text;
      scopes_.emplace_back();
      render(s.body, text);
      scopes_.pop_back();
      value = text;
    }
    if (s.text.empty()) return unpack(s, value, scopes_.back());
    Json* holder = find(s.targets[0]);
    if (!holder || !holder->is_object()) user_fail(where(s.line), "expected '{}' to be a namespace", s.targets[0]);
    spend(work_of_finding(*holder, s.text.size()), s.line);
    if (calls_ > 0) {  // expressions that called this macro may be looking at what the namespace holds
      spend(work_of(*holder), s.line);
      replaced_.push_back(std::exchange(*holder, Json(*holder)));
    }
    (*holder)[s.text] = std::move(value);
  }

  Json* find(const std::string& name) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
      if (const auto found = scope->find(name); found != scope->end()) return &found->second;
    return nullptr;
  }

  // Puts an item of a loop, or its parts, under the loop's names.
  void unpack(const Statement& s, const Json& item, Scope& scope) const {
    if (s.targets.size() == 1) {
      scope[s.targets[0]] = item;
      return;
    }
    if (!item.is_array() || item.size() != s.targets.size())
      user_fail(where(s.line), "expected items of {} parts but received {}", s.targets.size(), kind_of(item));
    for (std::size_t i = 0; i < s.targets.size(); ++i) scope[s.targets[i]] = item[i];
  }

  Flow render_loop(const Statement& s, std::string& out) {
    std::vector<Json> items = at_line(s.line, [&] {
      Json storage;
      const Json& all = look(*s.value, storage);
      spend(work_of_items(all), s.line);
      return items_of(all);
    });
    if (s.condition) {
      std::vector<Json> kept;
      for (Json& item : items) {
        scopes_.emplace_back();
        spend(1, s.line);
        unpack(s, item, scopes_.back());
        if (is_true(value_of(*s.condition))) kept.push_back(std::move(item));
        scopes_.pop_back();
      }
      items = std::move(kept);
    }
    bool one_ended = false;  // else: as Jinja has it, also when break or continue cut every round short
    for (std::size_t i = 0; i < items.size(); ++i) {
      spend(10, s.line);
      Json loop = {{"index", i + 1},
                   {"index0", i},
                   {"revindex", items.size() - i},
                   {"revindex0", items.size() - i - 1},
                   {"first", i == 0},
                   {"last", i + 1 == items.size()},
                   {"length", items.size()}};
      if (i > 0) loop["previtem"] = items[i - 1];
      if (i + 1 < items.size()) loop["nextitem"] = items[i + 1];
      Scope& scope = scopes_.emplace_back();
      unpack(s, items[i], scope);
      scope["loop"] = std::move(loop);
      const Flow flow = render(s.body, out);
      scopes_.pop_back();
      one_ended = one_ended || flow == Flow::kOn;
      if (flow == Flow::kBreak) break;
    }
    return one_ended ? Flow::kOn : render(s.otherwise, out);
  }

  Json value_of(const Expression& e) {
    return at_line(e.line, [&] {
      if (++evaluations_ > kMaxEvaluations)
        user_fail(where(e.line), "expected at most {} expressions in expressions", kMaxEvaluations);
      Json value = evaluate(e);
      --evaluations_;
      spend(work_of(value), e.line);
      return value;
    });
  }
  Json part(const Expression& e, std::size_t i) {
    return i < e.parts.size() && e.parts[i] ? value_of(*e.parts[i]) : undefined();
  }

  // A variable, or what lies in one, without a copy: a chat may be long. Null for anything else.
  const Json* variable(const Expression& e) {
    spend(1, e.line);
    if (e.kind == Kind::kName) return find(e.text);
    if (e.kind != Kind::kAttribute && e.kind != Kind::kIndex) return nullptr;
    const Json* holder = variable(*e.parts[0]);
    if (!holder) return nullptr;
    const Json key = e.kind == Kind::kAttribute ? Json(e.text) : value_of(*e.parts[1]);
    spend(work_of_finding(*holder, num_bytes(key)), e.line);
    if (holder->is_object() && key.is_string()) {
      const auto found = holder->find(key.get_ref<const std::string&>());
      return found == holder->end() ? nullptr : &*found;
    }
    if (!holder->is_array() || !key.is_number_integer()) return nullptr;
    const auto size = int64_t(holder->size());
    const int64_t index = key.get<int64_t>() < 0 ? key.get<int64_t>() + size : key.get<int64_t>();
    return index < 0 || index >= size ? nullptr : &(*holder)[std::size_t(index)];
  }
  const Json& look(const Expression& e, Json& storage) {
    if (const Json* found = variable(e)) return *found;
    return storage = value_of(e);
  }

  Json evaluate(const Expression& e) {
    Json storage;
    switch (e.kind) {
      case Kind::kLiteral:
        return e.literal;
      case Kind::kName: {
        const Json* found = find(e.text);
        return found ? *found : is_function(e.text) ? Json(e.text) : undefined();
      }
      case Kind::kList: {
        Json list = Json::array();
        for (const auto& item : e.parts) list.push_back(value_of(*item));
        return list;
      }
      case Kind::kDict: {
        Json dict = Json::object();
        for (std::size_t i = 0; i + 1 < e.parts.size(); i += 2) {
          const std::string key = to_text(part(e, i));
          spend(work_of_finding(dict, key.size()), e.line);
          dict[key] = part(e, i + 1);
        }
        return dict;
      }
      case Kind::kAttribute: {
        const Json& holder = look(*e.parts[0], storage);
        spend(work_of_finding(holder, e.text.size()), e.line);
        return item_of(holder, e.text);
      }
      case Kind::kIndex: {
        const Json& holder = look(*e.parts[0], storage);
        const Json key = part(e, 1);
        spend(work_of_finding(holder, key), e.line);
        return item_of(holder, key);
      }
      case Kind::kSlice: {
        const Json& whole = look(*e.parts[0], storage);
        if (whole.is_string()) spend(work_of(whole), e.line);
        return slice_of(whole, part(e, 1), part(e, 2), part(e, 3));
      }
      case Kind::kCall:
        return call(e);
      case Kind::kFilter: {
        const Json& value = look(*e.parts[0], storage);
        const Arguments given = arguments(e);
        spend(work_of_filter(e.text, value, given), e.line);
        return apply_filter(e.text, value, given);
      }
      case Kind::kTest:
        return apply_test(e.text, look(*e.parts[0], storage), arguments(e));
      case Kind::kNot:
        return !is_true(look(*e.parts[0], storage));
      case Kind::kNegate:
        return binary("-", Json(int64_t(0)), part(e, 0));
      case Kind::kBinary: {
        const Json& left = look(*e.parts[0], storage);
        if (e.text == "and") return is_true(left) ? part(e, 1) : left;
        if (e.text == "or") return is_true(left) ? left : part(e, 1);
        Json other;
        const Json& right = look(*e.parts[1], other);
        spend(work_of_binary(e.text, left, right), e.line);
        return binary(e.text, left, right);
      }
      case Kind::kTernary:
        return is_true(look(*e.parts[0], storage)) ? part(e, 1) : part(e, 2);
    }
    return undefined();
  }

  Arguments arguments(const Expression& e) {
    Arguments made;
    for (std::size_t i = 1; i < e.parts.size(); ++i) made.positional.push_back(part(e, i));
    for (const auto& [name, value] : e.named) made.named.emplace_back(name, value_of(*value));
    return made;
  }

  bool is_function(std::string_view name) const {
    for (const char* known : {"raise_exception", "namespace", "strftime_now", "range", "dict"})
      if (name == known) return true;
    return macros_.contains(name);
  }

  // A macro sees what the template set outside of loops, and its parameters.
  Json call_macro(const Statement& macro, const Arguments& given, int64_t line) {
    if (given.positional.size() > macro.targets.size())
      user_fail(where(line), "macro '{}': expected at most {} arguments but received {}", macro.text,
                macro.targets.size(), given.positional.size());
    for (const auto& [name, value] : given.named)
      if (std::find(macro.targets.begin(), macro.targets.end(), name) == macro.targets.end())
        user_fail(where(line), "macro '{}' has no parameter '{}'", macro.text, name);
    if (++calls_ > kMaxCalls) user_fail(where(line), "expected at most {} macros in macros", kMaxCalls);
    std::vector<Scope> inner(std::make_move_iterator(scopes_.begin() + 1), std::make_move_iterator(scopes_.end()));
    scopes_.resize(1);
    scopes_.emplace_back();
    const std::size_t num_required = macro.targets.size() - macro.defaults.size();
    for (std::size_t i = 0; i < macro.targets.size(); ++i) {
      Json value = given.get(i, macro.targets[i]);
      if (is_undefined(value) && i >= num_required) value = value_of(*macro.defaults[i - num_required]);
      scopes_.back()[macro.targets[i]] = std::move(value);
    }
    std::string text;
    render(macro.body, text);
    scopes_.resize(1);
    std::move(inner.begin(), inner.end(), std::back_inserter(scopes_));
    --calls_;
    return text;
  }

  Json call(const Expression& e) {
    const Expression& callee = *e.parts[0];
    if (callee.kind == Kind::kAttribute) {
      Json storage;
      const Json& value = look(*callee.parts[0], storage);
      const Arguments given = arguments(e);
      spend(work_of_method(value, callee.text, given), e.line);
      return call_method(value, callee.text, given);
    }
    if (callee.kind != Kind::kName || !is_function(callee.text))
      user_fail(kWhere, "the function '{}' is not supported", callee.text);
    const Arguments given = arguments(e);
    if (const auto macro = macros_.find(callee.text); macro != macros_.end())
      return call_macro(*macro->second, given, e.line);
    if (callee.text == "raise_exception") user_fail(kWhere, "the template refuses: {}", to_text(given.get(0)));
    if (callee.text == "strftime_now") return formatted_time(to_text(given.get(0)));
    if (callee.text == "range") return range(given);
    Json made = Json::object();
    for (const auto& [name, value] : given.named) {
      spend(work_of_finding(made, name.size()), e.line);
      made[name] = value;
    }
    return made;
  }

  std::string formatted_time(const std::string& format) const {
    std::tm local{};
    localtime_r(&now_, &local);
    std::array<char, 256> text;
    const std::size_t size = std::strftime(text.data(), text.size(), format.c_str(), &local);
    return std::string(text.data(), size);
  }

  static Json range(const Arguments& given) {
    const auto number = [&](std::size_t i, int64_t otherwise) {
      const Json value = given.get(i);
      return value.is_number_integer() ? value.get<int64_t>() : otherwise;
    };
    const bool one = given.positional.size() == 1;
    const int64_t begin = one ? 0 : number(0, 0), end = number(one ? 0 : 1, 0), step = number(2, 1);
    Json list = Json::array();
    if (step == 0) user_fail(kWhere, "range: expected a step other than 0");
    for (int64_t i = begin; step > 0 ? i < end : i > end;) {
      if (list.size() == 100000) user_fail(kWhere, "range: expected at most 100000 numbers");
      list.push_back(i);
      if (__builtin_add_overflow(i, step, &i)) break;
    }
    return list;
  }

  const std::time_t now_;
  std::vector<Scope> scopes_;  // innermost last
  std::map<std::string, const Statement*, std::less<>> macros_;
  std::vector<Json> replaced_;  // namespaces as they were, which expressions may still look at
  int calls_ = 0, evaluations_ = 0;
  std::string out_;
  int64_t work_ = 0;
};

}  // namespace

std::string render(std::string_view source, const Json& variables, std::optional<std::time_t> now) {
  const Body body = parse(source);  // macros point into it
  return Renderer(variables, now).run(body);
}

}  // namespace limbeck::text::jinja
