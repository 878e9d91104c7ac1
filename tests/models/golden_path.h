// Where the golden files and the demo models are.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace limbeck {

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(LIMBECK_SOURCE_DIR) / "tests" / "golden" / name;
}

inline std::filesystem::path smollm2_path() {
  const char* deps = std::getenv("LIMBECK_DEPS");
  const char* home = std::getenv("HOME");
  const std::filesystem::path root =
      deps ? std::filesystem::path(deps) : std::filesystem::path(home ? home : "/") / ".cache" / "limbeck";
  return root / "models" / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

}  // namespace limbeck
