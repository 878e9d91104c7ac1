#include "teachers/open.h"

#include <optional>

#include "base/errors.h"
#include "teachers/local.h"
#include "teachers/recorded.h"
#include "teachers/served.h"

namespace limbeck::teachers {
namespace {

// Loads and freezes the model when it is first asked for.
std::function<const models::Pretrained&()> loaded_once(const std::filesystem::path& source, Precision precision) {
  return [source, precision,
          model = std::make_shared<std::optional<models::Pretrained>>()]() -> const models::Pretrained& {
    if (!*model) {
      *model = in_context("loading teacher " + source.string(), [&] { return models::load_pretrained(source); });
      (*model)->model->freeze(precision);
    }
    return **model;
  };
}

}  // namespace

bool is_local(const std::filesystem::path& source) {
  return std::filesystem::is_directory(source) || source.extension() == ".gguf";
}

std::vector<std::filesystem::path> inputs_of(const std::filesystem::path& source) {
  if (source.extension() == ".toml") return {};
  return {source};
}

std::unique_ptr<Teacher> open_teacher(const std::filesystem::path& source, const OpenOptions& options) {
  if (is_local(source))
    return local_teacher("the model in " + source.string(), loaded_once(source, options.batch.precision),
                         options.batch);
  if (source.extension() == ".toml") return served_teacher(read_served(source), options.answers);
  if (source.extension() == ".jsonl") return recorded_teacher(source, options.missing);
  user_fail(source.string(), "expected {}", kTeacherKinds);
}

}  // namespace limbeck::teachers
