// limbeck: what users call. Verbs that need no LibTorch are done here; for all others this process becomes
// limbeck-torch, which stands beside it. Loading LibTorch takes a sixth of a second, in which hundreds of programs are
// judged.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "cli/entry.h"

namespace limbeck::cli {

// The list that enter() looks into here.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> list = {verify_verb()};
  return list;
}

}  // namespace limbeck::cli

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "verify") return limbeck::cli::enter(argc, argv);
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto other = self.parent_path() / "limbeck-torch";
  ::execv(other.c_str(), argv);
  fmt::print(stderr, "limbeck: expected {} but cannot run it: {}\n", other.string(), std::strerror(errno));
  return 1;
}
