// limbeck export: a model in the form that other tools open. --out=FILE.gguf is a GGUF file, another name a Hugging
// Face folder.
#include <fmt/format.h>

#include <filesystem>

#include "base/errors.h"
#include "base/fields.h"
#include "cli/verbs.h"
#include "models/encoder.h"
#include "models/encoder_export.h"
#include "models/gguf_export.h"
#include "models/language_model.h"

namespace limbeck::cli {
namespace {

using formats::GgufType;

enum class ExportWeights { kAsType, kInt8 };

struct ExportOptions {
  std::string model, out;
  GgufType type = GgufType::kBF16;
  ExportWeights weights = ExportWeights::kAsType;
  void describe(Fields& f) {
    f("model", model, "Hugging Face folder, GGUF file, or folder of an adapter (merged on the way)",
      Names::kRequiredFileOrFolder);
    f("out", out, "where it goes: a name that ends in .gguf is a GGUF file, another a Hugging Face folder");
    f("type", type,
      "of the matrices. In a q4_0 file the embedding and the output weight are q8_0, rows that are not whole blocks of "
      "32 f16; vectors are always f32. A folder holds f32 or bf16",
      models::gguf_type_choices());
    f("weights", weights,
      "int8: of an encoder, the linear layers of its blocks with 8 bits a number and a scale an output, for a folder "
      "that is served so (compressed-tensors, int-quantized); its tables are bf16",
      {{"type", ExportWeights::kAsType}, {"int8", ExportWeights::kInt8}});
  }
};

bool is_gguf_name(const std::filesystem::path& path) {
  return path.extension() == ".gguf";
}

uint64_t bytes_under(const std::filesystem::path& path) {
  if (std::filesystem::is_regular_file(path)) return std::filesystem::file_size(path);
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) bytes += entry.file_size();
  return bytes;
}

void save_encoder_as(const ExportOptions& options) {
  const models::LoadedEncoder source = models::load_encoder(options.model);
  if (options.weights == ExportWeights::kInt8)
    models::save_int8_encoder(options.out, *source.model, *source.tokenizer);
  else
    models::save_encoder(options.out, *source.model, *source.tokenizer,
                         options.type == GgufType::kF32 ? Precision::kFp32 : Precision::kBf16);
}

}  // namespace

int verb_export(const Args& args) {
  ExportOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.out.empty()) user_fail("export", "expected --out=FILE.gguf or --out=DIR, where the model goes");
  const std::filesystem::path out = options.out;
  const bool folder = !is_gguf_name(out);
  if (folder && options.type != GgufType::kF32 && options.type != GgufType::kBF16)
    user_fail("type", "expected f32 or bf16 for a folder but received {}; an --out that ends in .gguf takes the others",
              formats::info_of(options.type).name);
  if (folder && std::filesystem::exists(out))
    user_fail("out", "{}: expected a folder that is not there yet but received one that is", out.string());
  if (!folder && std::filesystem::is_directory(out))
    user_fail("out", "{}: expected the name of a file but received a folder", out.string());

  const bool encoder = std::filesystem::is_directory(options.model) && models::is_encoder(options.model);
  const bool int8 = options.weights == ExportWeights::kInt8;
  if (int8 && (!encoder || !folder))
    user_fail("weights", "expected int8 for an encoder and a folder but received {}",
              encoder ? out.string() : options.model + ", which is no encoder");
  if (encoder) {
    if (!folder) user_fail("out", "{}: expected a folder for an encoder but received a GGUF file", out.string());
    save_encoder_as(options);
    fmt::print("{}: {:.1f} MB\n", out.string(), static_cast<double>(bytes_under(out)) / 1e6);
    return 0;
  }
  const models::Pretrained source = models::load_pretrained(options.model);
  if (folder)
    models::save_pretrained(out, *source.model, *source.tokenizer,
                            options.type == GgufType::kF32 ? Precision::kFp32 : Precision::kBf16);
  else
    models::save_gguf(out, *source.model, *source.tokenizer, options.type);
  fmt::print("{}: {:.1f} MB\n", out.string(), static_cast<double>(bytes_under(out)) / 1e6);
  return 0;
}

}  // namespace limbeck::cli
