#include "base/errors.h"

namespace limbeck {
namespace {

std::string join_mistakes(const std::vector<std::string>& mistakes) {
  std::string text = mistakes.size() == 1 ? "" : fmt::format("{} mistakes:", mistakes.size());
  for (const auto& mistake : mistakes) text += (text.empty() ? "" : "\n  ") + mistake;
  return text;
}

}  // namespace

UserErrors::UserErrors(std::vector<std::string> mistakes)
    : UserError(join_mistakes(mistakes)), mistakes_(std::move(mistakes)) {}

Interrupted::Interrupted(int signal, const std::string& how_to_go_on) : Error(how_to_go_on), signal_(signal) {}

namespace errors_detail {

void rethrow_with_context(std::string_view context) {
  try {
    throw;
  } catch (const UserError& e) {
    throw UserError(fmt::format("{}: {}", context, e.what()));
  } catch (const std::exception& e) {
    throw Error(fmt::format("{}: {}", context, e.what()));
  }
}

}  // namespace errors_detail
}  // namespace limbeck
