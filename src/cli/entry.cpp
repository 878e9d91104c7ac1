#include "cli/entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "base/errors.h"
#include "base/fields.h"  // nearest_name, HelpAsked
#include "base/interrupt.h"
#include "base/profile.h"

namespace {

using limbeck::cli::Args;
using limbeck::cli::Verb;
using limbeck::cli::verbs;

void print_overview(std::FILE* to) {
  fmt::print(to, "limbeck {}: makes small language models able by what large ones can do\n\n", LIMBECK_VERSION);
  std::size_t widest = 0;
  for (const Verb& verb : verbs()) widest = std::max(widest, verb.name.size());
  for (const Verb& verb : verbs()) fmt::print(to, "  limbeck {:<{}}  {}\n", verb.name, widest, verb.summary);
  fmt::print(to, "\nlimbeck VERB --help shows a verb's options.\n");
}

const Verb& find_verb(const std::string& name) {
  std::vector<std::string> names = {"help"};
  for (const Verb& verb : verbs()) {
    if (verb.name == name) return verb;
    names.push_back(verb.name);
  }
  const std::string near = limbeck::nearest_name(name, names);
  limbeck::user_fail("limbeck", "there is no verb '{}'{}; limbeck help lists them", name,
                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

constexpr const char* kAboutProfile = "writes where the time goes as a trace for Perfetto or chrome://tracing";
constexpr std::string_view kProfileFlag = "--profile=";

// Begins the trace that the flags ask for and takes that flag out.
Args without_profile(Args args) {
  const auto asks = [](const std::string& arg) { return arg.starts_with(kProfileFlag) || arg == "--profile"; };
  const auto found = std::find_if(args.begin(), args.end(), asks);
  if (found == args.end()) return args;
  limbeck::start_profile(found->substr(std::min(found->size(), kProfileFlag.size())));
  args.erase(found);
  return args;
}

int call(const Verb& verb, const Args& args) {
  try {
    return verb.call(verb.work == limbeck::cli::Work::kLong ? without_profile(args) : args);
  } catch (const limbeck::HelpAsked& help) {
    if (help.markdown) {
      fmt::print("# limbeck {}\n\n{}.\n\n```\n{}\n```\n\n{}", verb.name, verb.summary, verb.usage, help.text);
      if (verb.work == limbeck::cli::Work::kLong) fmt::print("\n`--profile=FILE.json` {}.\n", kAboutProfile);
    } else {
      fmt::print("{}\n\n  {}\n\n{}", verb.summary, verb.usage, help.text);
      fmt::print("\n  --config=FILE.toml reads the same options from a file; flags win.\n");
      if (verb.work == limbeck::cli::Work::kLong) fmt::print("  --profile=FILE.json {}.\n", kAboutProfile);
    }
    return 0;
  }
}

int dispatch(Args args) {
  if (args.empty()) {
    print_overview(stderr);
    return 2;
  }
  const std::string name = args.front();
  args.erase(args.begin());
  if (name == "--version" || name == "version") {
    fmt::print("limbeck {}\n", LIMBECK_VERSION);
    return 0;
  }
  if (name == "help" || name == "--help" || name == "-h") {
    if (args.empty()) {
      print_overview(stdout);
      return 0;
    }
    return call(find_verb(args.back()), {args.size() > 1 ? args.front() : "--help"});  // limbeck help [--markdown] VERB
  }
  return call(find_verb(name), args);
}

// The verb's exit code, or that of what ended it.
int run_guarded(const Args& args) {
  try {
    const int code = dispatch(args);
    if (std::fflush(stdout) != 0 && errno != EPIPE)
      limbeck::fail("limbeck", "cannot write to the standard output: {}", std::strerror(errno));
    return code;
  } catch (const limbeck::Interrupted& e) {
    fmt::print(stderr, "\ninterrupted: {}\n", e.what());
    return 128 + e.signal();
  } catch (const limbeck::UserError& e) {
    fmt::print(stderr, "limbeck: {}\n", e.what());
    return 2;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "limbeck: out of memory\n");
    return 1;
  } catch (const std::system_error& e) {
    if (e.code() == std::errc::broken_pipe) return 0;  // whoever read the output has seen enough
    fmt::print(stderr, "limbeck: {}\n", e.what());
    return 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "limbeck: {}\n", e.what());
    return 1;
  }
}

}  // namespace

int limbeck::cli::enter(int argc, char** argv) {
  limbeck::catch_interrupts();
  const int code = run_guarded(Args(argv + 1, argv + argc));
  try {
    limbeck::finish_profile();  // also of what was interrupted or failed
  } catch (const std::exception& e) {
    fmt::print(stderr, "limbeck: {}\n", e.what());
    return code == 0 ? 1 : code;
  }
  return code;
}
