// The verbs of the program. Each is src/cli/<verb>.cpp: its options are a struct with describe(Fields&), its work a
// function that returns the exit code (0 done, 1 failed) and throws UserError for the user's mistakes (2).
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace limbeck::cli {

using Args = std::vector<std::string>;

int verb_doctor(const Args& args);
int verb_list(const Args& args);
int verb_show(const Args& args);
int verb_run(const Args& args);
int verb_generate(const Args& args);
int verb_chat(const Args& args);
int verb_serve(const Args& args);
int verb_plan(const Args& args);
int verb_report(const Args& args);
int verb_predict(const Args& args);
int verb_record(const Args& args);
int verb_score(const Args& args);
int verb_embed(const Args& args);
int verb_tokenize(const Args& args);
int verb_train_tokenizer(const Args& args);
int verb_verify(const Args& args);
int verb_eval(const Args& args);
int verb_train(const Args& args);
int verb_export(const Args& args);

// Long work takes --profile=FILE.json besides its own options: a trace of where the time goes (base/profile.h).
enum class Work { kShort, kLong };

struct Verb {
  std::string name, usage, summary;  // "run", "run METHOD [FILE.toml] --out=DIR [--key=value]", "runs a method"
  int (*call)(const Args& args);
  Work work = Work::kShort;
};
const std::vector<Verb>& verbs();  // in the order that help shows

Verb verify_verb();  // the row of what front.cpp does itself

}  // namespace limbeck::cli
