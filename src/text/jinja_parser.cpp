#include <algorithm>
#include <array>
#include <utility>

#include "base/errors.h"
#include "text/jinja_lexer.h"
#include "text/jinja_syntax.h"

namespace limbeck::text::jinja {
namespace {

constexpr int kMaxDepth = 100;  // of nested statements and expressions: a template is a file from outside
constexpr int kMaxTree = 500;

using Kind = Expression::Kind;

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokenize(source)) {}

  Body run() {
    Body body = parse_body({});
    if (now().kind != TokenKind::kEnd) complain("expected the template's end but received a statement's end");
    return body;
  }

 private:
  const Token& now() const { return tokens_[at_]; }
  const Token& take() { return tokens_[at_++]; }  // never past kEnd, which no caller takes
  bool is_operator(std::string_view text) const { return now().kind == TokenKind::kOperator && now().text == text; }
  bool is_name(std::string_view text) const { return now().kind == TokenKind::kName && now().text == text; }
  bool accept_operator(std::string_view text) { return is_operator(text) && (++at_, true); }
  bool accept_name(std::string_view text) { return is_name(text) && (++at_, true); }

  [[noreturn]] void complain(const std::string& what) const {
    user_fail("chat template line " + std::to_string(now().line), "{}", what);
  }
  std::string shown() const {
    switch (now().kind) {
      case TokenKind::kEnd:
        return "the template's end";
      case TokenKind::kOutputEnd:
        return "'}}'";
      case TokenKind::kBlockEnd:
        return "'%}'";
      default:
        return "'" + now().text + "'";
    }
  }
  void expect_operator(std::string_view text) {
    if (!accept_operator(text)) complain(fmt::format("expected '{}' but received {}", text, shown()));
  }
  void expect(TokenKind kind, const char* what) {
    if (now().kind != kind) complain(fmt::format("expected {} but received {}", what, shown()));
    ++at_;
  }
  std::string expect_name() {
    if (now().kind != TokenKind::kName) complain("expected a name but received " + shown());
    return take().text;
  }

  struct Deeper {  // counts the nesting while it lives
    explicit Deeper(Parser& parser) : parser(parser) {
      if (++parser.depth_ > kMaxDepth) parser.complain(fmt::format("expected at most {} levels of nesting", kMaxDepth));
    }
    ~Deeper() { --parser.depth_; }
    Parser& parser;
  };

  // Statements until the end, or until a block that begins with one of `ends` (which is left to the caller).
  Body parse_body(const std::vector<std::string_view>& ends) {
    const Deeper deeper(*this);
    Body body;
    while (true) {
      switch (now().kind) {
        case TokenKind::kText:
          body.push_back(make(Statement::Kind::kText));
          body.back().text = take().text;
          break;
        case TokenKind::kOutputBegin:
          take();
          body.push_back(make(Statement::Kind::kOutput));
          body.back().value = parse_expression();
          expect(TokenKind::kOutputEnd, "'}}'");
          break;
        case TokenKind::kBlockBegin: {
          const std::string& name = tokens_[at_ + 1].text;
          if (std::find(ends.begin(), ends.end(), name) != ends.end()) return body;
          take();
          body.push_back(parse_statement());
          break;
        }
        default:
          if (!ends.empty()) complain(fmt::format("expected '{}' but received {}", ends.back(), shown()));
          return body;
      }
    }
  }

  Statement make(Statement::Kind kind) const {
    Statement statement{};
    statement.kind = kind;
    statement.line = now().line;
    return statement;
  }
  void end_block() { expect(TokenKind::kBlockEnd, "'%}'"); }
  void end_block(std::string_view name) {
    expect(TokenKind::kBlockBegin, "a block");
    if (!accept_name(name)) complain(fmt::format("expected '{}' but received {}", name, shown()));
    end_block();
  }

  Statement parse_statement() {
    const std::string name = expect_name();
    if (name == "if") return parse_if();
    if (name == "for") return parse_for();
    if (name == "set") return parse_set();
    if (name == "macro") return parse_macro();
    if (name == "generation") {  // marks what the assistant says; it renders as its content
      Statement statement = make(Statement::Kind::kScope);
      end_block();
      statement.body = parse_body({"endgeneration"});
      end_block("endgeneration");
      return statement;
    }
    if (name == "break" || name == "continue") {
      Statement statement = make(name == "break" ? Statement::Kind::kBreak : Statement::Kind::kContinue);
      if (loops_ == 0) complain(fmt::format("expected '{}' inside a loop only", name));
      end_block();
      return statement;
    }
    complain(fmt::format(
        "expected if, for, set, macro, break, continue or generation but received '{}', which is not supported", name));
  }

  Statement parse_if() {
    const Deeper deeper(*this);
    Statement statement = make(Statement::Kind::kIf);
    statement.value = parse_expression();
    end_block();
    statement.body = parse_body({"elif", "else", "endif"});
    take();  // the block's begin
    if (accept_name("elif")) {
      statement.otherwise.push_back(parse_if());
      return statement;
    }
    if (accept_name("else")) {
      end_block();
      statement.otherwise = parse_body({"endif"});
      take();
    }
    if (!accept_name("endif")) complain("expected 'endif' but received " + shown());
    end_block();
    return statement;
  }

  Statement parse_for() {
    Statement statement = make(Statement::Kind::kFor);
    do statement.targets.push_back(expect_name());
    while (accept_operator(","));
    if (!accept_name("in")) complain("expected 'in' but received " + shown());
    statement.value = parse_or();
    if (accept_name("if")) statement.condition = parse_expression();
    end_block();
    ++loops_;
    statement.body = parse_body({"else", "endfor"});
    --loops_;
    take();
    if (accept_name("else")) {
      end_block();
      statement.otherwise = parse_body({"endfor"});
      take();
    }
    if (!accept_name("endfor")) complain("expected 'endfor' but received " + shown());
    end_block();
    return statement;
  }

  Statement parse_set() {
    Statement statement = make(Statement::Kind::kSet);
    do statement.targets.push_back(expect_name());
    while (accept_operator(","));
    if (statement.targets.size() == 1 && accept_operator(".")) statement.text = expect_name();
    if (accept_operator("=")) {
      statement.value = parse_expression();
      if (is_operator(",")) {  // a tuple without brackets
        ExpressionPtr list = node(Kind::kList);
        list->parts.push_back(std::move(statement.value));
        while (accept_operator(",")) list->parts.push_back(parse_expression());
        measure(*list);
        statement.value = std::move(list);
      }
      end_block();
    } else {
      end_block();
      statement.body = parse_body({"endset"});
      end_block("endset");
    }
    return statement;
  }

  // {% macro name(a, b=1) %} ... {% endmacro %}
  Statement parse_macro() {
    Statement statement = make(Statement::Kind::kMacro);
    statement.text = expect_name();
    expect_operator("(");
    while (!accept_operator(")")) {
      statement.targets.push_back(expect_name());
      if (accept_operator("=")) {
        statement.defaults.push_back(parse_expression());
      } else if (!statement.defaults.empty()) {
        complain("expected a default for every parameter after one that has it");
      }
      if (!is_operator(")")) expect_operator(",");
    }
    end_block();
    const int loops = std::exchange(loops_, 0);
    statement.body = parse_body({"endmacro"});
    loops_ = loops;
    end_block("endmacro");
    return statement;
  }

  ExpressionPtr node(Kind kind, std::string text = "") const {
    auto made = std::make_unique<Expression>();
    made->kind = kind;
    made->line = now().line;
    made->text = std::move(text);
    return made;
  }
  template <class... Parts>
  ExpressionPtr node_of(Kind kind, std::string text, Parts... parts) const {
    ExpressionPtr made = node(kind, std::move(text));
    (made->parts.push_back(std::move(parts)), ...);
    measure(*made);
    return made;
  }
  void measure(Expression& parent) const {  // "a|b|b|b..." nests without any bracket
    for (const ExpressionPtr& part : parent.parts)
      if (part) parent.depth = std::max(parent.depth, part->depth + 1);
    for (const auto& [name, part] : parent.named) parent.depth = std::max(parent.depth, part->depth + 1);
    if (parent.depth > kMaxTree)
      complain(fmt::format("expected expressions of at most {} operations in a row", kMaxTree));
  }

  ExpressionPtr parse_expression() {  // a if b else c
    const Deeper deeper(*this);
    ExpressionPtr value = parse_or();
    while (accept_name("if")) {
      ExpressionPtr condition = parse_or();
      ExpressionPtr otherwise = accept_name("else") ? parse_expression() : nullptr;
      value = node_of(Kind::kTernary, "", std::move(condition), std::move(value), std::move(otherwise));
    }
    return value;
  }

  ExpressionPtr parse_or() {
    ExpressionPtr left = parse_and();
    while (accept_name("or")) left = node_of(Kind::kBinary, "or", std::move(left), parse_and());
    return left;
  }
  ExpressionPtr parse_and() {
    ExpressionPtr left = parse_not();
    while (accept_name("and")) left = node_of(Kind::kBinary, "and", std::move(left), parse_not());
    return left;
  }
  ExpressionPtr parse_not() {
    const Deeper deeper(*this);
    if (accept_name("not")) return node_of(Kind::kNot, "", parse_not());
    return parse_comparison();
  }

  ExpressionPtr parse_comparison() {
    ExpressionPtr left = parse_binary(0);
    while (true) {
      static constexpr std::array kComparisons = {"==", "!=", "<", "<=", ">", ">="};
      const auto known = std::find_if(kComparisons.begin(), kComparisons.end(), [&](auto c) { return is_operator(c); });
      if (known != kComparisons.end()) {
        take();
        left = node_of(Kind::kBinary, *known, std::move(left), parse_binary(0));
      } else if (accept_name("in")) {
        left = node_of(Kind::kBinary, "in", std::move(left), parse_binary(0));
      } else if (is_name("not") && tokens_[at_ + 1].kind == TokenKind::kName && tokens_[at_ + 1].text == "in") {
        at_ += 2;
        left = node_of(Kind::kNot, "", node_of(Kind::kBinary, "in", std::move(left), parse_binary(0)));
      } else {
        return left;
      }
    }
  }

  // + and - bind loosest, then ~, then * / // %.
  ExpressionPtr parse_binary(std::size_t level) {
    static const std::vector<std::vector<std::string_view>> kLevels = {{"+", "-"}, {"~"}, {"*", "/", "//", "%"}};
    if (level == kLevels.size()) return parse_unary();
    ExpressionPtr left = parse_binary(level + 1);
    while (true) {
      const auto& level_operators = kLevels[level];
      const auto known =
          std::find_if(level_operators.begin(), level_operators.end(), [&](auto c) { return is_operator(c); });
      if (known == level_operators.end()) return left;
      take();
      left = node_of(Kind::kBinary, std::string(*known), std::move(left), parse_binary(level + 1));
    }
  }

  // Filters and tests bind looser than a sign: -1|abs is 1.
  enum class Filters { kTake, kLeave };
  ExpressionPtr parse_unary(Filters filters = Filters::kTake) {
    const Deeper deeper(*this);
    ExpressionPtr value;
    if (accept_operator("-")) {
      value = node_of(Kind::kNegate, "", parse_unary(Filters::kLeave));
    } else if (accept_operator("+")) {
      value = parse_unary(Filters::kLeave);
    } else {
      value = parse_primary();
    }
    while (true) {
      if (accept_operator(".")) {
        if (now().kind == TokenKind::kInteger) complain("expected a name after '.' but received " + shown());
        value = node_of(Kind::kAttribute, expect_name(), std::move(value));
      } else if (accept_operator("[")) {
        value = parse_subscript(std::move(value));
      } else if (accept_operator("(")) {
        value = node_of(Kind::kCall, "", std::move(value));
        parse_arguments(*value);
      } else if (filters == Filters::kLeave) {
        return value;
      } else if (accept_operator("|")) {
        value = node_of(Kind::kFilter, expect_name(), std::move(value));
        if (accept_operator("(")) parse_arguments(*value);
      } else if (accept_name("is")) {
        value = parse_test(std::move(value));
      } else {
        return value;
      }
    }
  }

  ExpressionPtr parse_subscript(ExpressionPtr value) {
    std::array<ExpressionPtr, 3> parts;
    std::size_t count = 0;
    bool slice = false;
    while (!is_operator("]")) {
      if (accept_operator(":")) {
        slice = true;
        if (++count > 2) complain("expected at most two ':' in a slice");
      } else {
        if (parts[count]) complain("expected ']' but received " + shown());
        parts[count] = parse_expression();
      }
    }
    take();
    if (slice)
      return node_of(Kind::kSlice, "", std::move(value), std::move(parts[0]), std::move(parts[1]), std::move(parts[2]));
    if (!parts[0]) complain("expected an index but received ']'");
    return node_of(Kind::kIndex, "", std::move(value), std::move(parts[0]));
  }

  void parse_arguments(Expression& call) {
    while (!accept_operator(")")) {
      const bool named = now().kind == TokenKind::kName && tokens_[at_ + 1].kind == TokenKind::kOperator &&
                         tokens_[at_ + 1].text == "=";
      if (named) {
        std::string name = expect_name();
        take();
        call.named.emplace_back(std::move(name), parse_expression());
      } else {
        call.parts.push_back(parse_expression());
      }
      if (!is_operator(")")) expect_operator(",");
    }
    measure(call);
  }

  ExpressionPtr parse_test(ExpressionPtr value) {
    const bool negated = accept_name("not");
    ExpressionPtr test = node_of(Kind::kTest, expect_name(), std::move(value));
    if (accept_operator("(")) {
      parse_arguments(*test);
    } else if (starts_argument()) {
      test->parts.push_back(parse_primary());
      measure(*test);
    }
    return negated ? node_of(Kind::kNot, "", std::move(test)) : std::move(test);
  }
  bool starts_argument() const {  // "is equalto 3"
    if (now().kind == TokenKind::kString || now().kind == TokenKind::kInteger || now().kind == TokenKind::kFloat)
      return true;
    static constexpr std::array kOthers = {"else", "or", "and", "is", "if", "not", "in"};
    return now().kind == TokenKind::kName && std::find(kOthers.begin(), kOthers.end(), now().text) == kOthers.end();
  }

  ExpressionPtr literal(Json value) const {
    ExpressionPtr made = node(Kind::kLiteral);
    made->literal = std::move(value);
    return made;
  }

  ExpressionPtr parse_primary() {
    switch (now().kind) {
      case TokenKind::kString: {
        std::string text = take().text;
        while (now().kind == TokenKind::kString) text += take().text;
        return literal(text);
      }
      case TokenKind::kInteger:
        return literal(int64_t(std::stoll(take().text)));
      case TokenKind::kFloat:
        return literal(std::stod(take().text));
      case TokenKind::kName:
        return parse_name(take().text);
      default:
        break;
    }
    if (accept_operator("(")) return parse_parenthesis();
    if (accept_operator("[")) return parse_items("]");
    if (accept_operator("{")) return parse_dict();
    complain("expected an expression but received " + shown());
  }

  ExpressionPtr parse_name(const std::string& name) {
    if (name == "true" || name == "True") return literal(true);
    if (name == "false" || name == "False") return literal(false);
    if (name == "none" || name == "None") return literal(nullptr);
    return node(Kind::kName, name);
  }

  ExpressionPtr parse_parenthesis() {  // (a), or a tuple, which is a list here
    if (is_operator(")")) return parse_items(")");
    ExpressionPtr first = parse_expression();
    if (accept_operator(")")) return first;
    expect_operator(",");
    ExpressionPtr rest = parse_items(")");
    rest->parts.insert(rest->parts.begin(), std::move(first));
    measure(*rest);
    return rest;
  }
  ExpressionPtr parse_items(std::string_view closing) {
    ExpressionPtr list = node(Kind::kList);
    while (!accept_operator(closing)) {
      list->parts.push_back(parse_expression());
      if (!is_operator(closing)) expect_operator(",");
    }
    measure(*list);
    return list;
  }
  ExpressionPtr parse_dict() {
    ExpressionPtr dict = node(Kind::kDict);
    while (!accept_operator("}")) {
      dict->parts.push_back(parse_expression());
      expect_operator(":");
      dict->parts.push_back(parse_expression());
      if (!is_operator("}")) expect_operator(",");
    }
    measure(*dict);
    return dict;
  }

  const std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0, loops_ = 0;
};

}  // namespace

Body parse(std::string_view source) {
  return Parser(source).run();
}

}  // namespace limbeck::text::jinja
