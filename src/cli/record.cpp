// limbeck record: a teacher's most likely next tokens for the texts that a student will learn, in a store that takes
// the teacher's place in limbeck train --teacher=STORE. The same line again goes on where it was stopped.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <filesystem>

#include "base/errors.h"
#include "base/fields.h"
#include "base/progress.h"
#include "cli/verbs.h"
#include "data/encode.h"
#include "data/rows.h"
#include "models/language_model.h"
#include "recipes/sft.h"
#include "recipes/stored_teacher.h"
#include "teachers/record_log_probs.h"
#include "teachers/record_served.h"

namespace limbeck::cli {
namespace {

struct RecordOptions {
  std::string teacher, tokenizer, out;
  std::vector<std::string> data;
  int64_t top = 32, threads = 0, max_batch_tokens = 2048;
  double tail = 0;
  Precision precision = Precision::kBf16;
  data::EncodeOptions text;
  void describe(Fields& f) {
    f("teacher", teacher,
      "Hugging Face folder or GGUF file with the student's vocabulary, or a TOML file that describes a served one "
      "(limbeck show teacher) which tells log-probabilities of prompts, as vLLM and limbeck serve do",
      Names::kRequiredFileOrFolder);
    f("tokenizer", tokenizer, "folder or GGUF file with the tokenizer of a served teacher", Names::kFileOrFolder);
    f("data", data, "files of texts, as limbeck train takes them: training data and held-out rows");
    f("out", out, "the store to write or to go on with");
    f("top", top, "most likely tokens that are kept of each place", Range{.low = 1, .high = 255});
    f("tail", tail, "mass that may be left to the rest before `top` is reached: a smaller store", within(0, 0.5));
    f("precision", precision, "of the teacher's products", precision_choices());
    f("max_batch_tokens", max_batch_tokens, "tokens that go through the teacher together; changes the speed only",
      at_least(1));
    f("threads", threads, "processor threads; 0: one per core", at_least(0));
    f.group("text", text);
  }
};

}  // namespace

int verb_record(const Args& args) {
  RecordOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.out.empty()) user_fail("record", "expected --out=FILE, the store");
  if (options.data.empty()) user_fail("record", "expected --data=FILE, the texts");
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  std::vector<std::vector<data::Row>> rows;
  for (const auto& file : options.data) rows.push_back(data::read_rows(file));

  const bool served = std::filesystem::path(options.teacher).extension() == ".toml";
  if (served && options.tokenizer.empty())
    user_fail("record", "expected --tokenizer=DIR|FILE.gguf, the tokenizer that the served teacher has");
  models::Pretrained teacher;
  data::Limits limits;
  if (served) {
    teacher.tokenizer = models::load_tokenizer(options.tokenizer);
    const auto& eos = teacher.tokenizer->spec().eos;
    if (!eos) user_fail(options.tokenizer, "expected a tokenizer with a token that ends a text");
    limits = {.context = INT32_MAX, .vocab_size = teacher.tokenizer->vocab_size(), .end_of_text = *eos};
  } else {
    teacher = models::load_pretrained(options.teacher);
    limits = recipes::limits_of(teacher);
    teacher.model->freeze(options.precision);
  }
  std::vector<teachers::TaughtText> texts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto encoded = data::encode_rows(rows[i], *teacher.tokenizer, limits, options.text, options.data[i]);
    for (auto& text : recipes::taught_texts(encoded.examples)) texts.push_back(std::move(text));
  }
  teachers::LogProbWriter writer(options.out, {.vocab_size = limits.vocab_size,
                                               .k = options.top,
                                               .tail = options.tail,
                                               .tokenizer = teachers::tokenizer_hash(*teacher.tokenizer)});
  {
    Progress progress("recording", "texts", static_cast<int64_t>(texts.size()));
    const auto on_text = [&](int64_t done) { progress.set(done); };
    if (served)
      teachers::record_log_probs(teachers::read_served(options.teacher), texts, writer, on_text);
    else
      teachers::record_log_probs(*teacher.model, texts, options.max_batch_tokens, writer, on_text);
    progress.finish();
  }
  if (writer.num_places() == 0) {
    fmt::print("{}: all {} texts were there\n", options.out, texts.size());
    return 0;
  }
  fmt::print("{}: {} tokens recorded, {:.1f} bytes a token ({} of a whole distribution in fp16)\n", options.out,
             writer.num_places(), static_cast<double>(writer.num_bytes()) / static_cast<double>(writer.num_places()),
             2 * limits.vocab_size);
  return 0;
}

}  // namespace limbeck::cli
