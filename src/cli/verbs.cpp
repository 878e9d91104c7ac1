#include "cli/verbs.h"

namespace limbeck::cli {

// A row joins when its verb's file does.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> list = {
      {"doctor", "limbeck doctor [--no-rates]", "Shows what works on this machine and what is missing", verb_doctor},
      {"list", "limbeck list", "Lists the methods", verb_list},
      {"show", "limbeck show METHOD [--toml | --markdown]", "Shows a method's paper and options", verb_show},
      {"run", "limbeck run METHOD [FILE.toml] --out=DIR [--key=value]",
       "Runs a method; the same line again goes on where it was stopped", verb_run, Work::kLong},
      {"plan", "limbeck plan METHOD [FILE.toml] [--out=DIR] [--key=value]",
       "Says what a run will need (memory, disk, tokens, time) and what does not fit", verb_plan},
      {"report", "limbeck report DIR [DIR ...]",
       "Prints what a run found and where its page and model are, or how far it came", verb_report},
      {"train", "limbeck train --model=DIR|FILE.gguf --data=pairs.jsonl --out=DIR [--key=value]",
       "Fine-tunes a model on texts; the same line again goes on where it was stopped", verb_train, Work::kLong},
      {"record", "limbeck record --teacher=DIR|FILE.gguf --data=pairs.jsonl --out=STORE",
       "Stores a teacher's likeliest next tokens, so that limbeck train learns them without the teacher", verb_record,
       Work::kLong},
      {"generate", "limbeck generate --model=DIR|FILE.gguf --prompt=TEXT | --prompt-file=FILE | --input=prompts.jsonl",
       "Continues prompts, all samples of a prompt together", verb_generate, Work::kLong},
      {"chat", "limbeck chat --model=DIR|FILE.gguf", "Talks with a model in its own template; a line is a turn",
       verb_chat},
      {"serve", "limbeck serve --model=DIR|FILE.gguf [--port=8000]",
       "Answers other programs as an OpenAI-compatible server (completions, chat, streaming)", verb_serve, Work::kLong},
      {"score", "limbeck score --model=DIR|FILE.gguf --input=texts.jsonl --out=scores.jsonl",
       "Gives the log-probability of every token of given texts", verb_score, Work::kLong},
      {"embed", "limbeck embed --model=DIR --input=texts.jsonl --out=vectors.jsonl|vectors.npy",
       "Gives a vector for each of given texts, as sentence-transformers does", verb_embed, Work::kLong},
      {"tokenize", "limbeck tokenize --model=DIR|FILE.gguf --input=lines.txt --out=ids.jsonl",
       "Gives the ids of each line of a text", verb_tokenize, Work::kLong},
      {"train-tokenizer", "limbeck train-tokenizer --kind=wordpiece|bpe --vocab-size=N --input=FILES --out=DIR",
       "Learns a vocabulary from texts: a tokenizer folder that other tools open", verb_train_tokenizer, Work::kLong},
      verify_verb(),
      {"eval", "limbeck eval --model=DIR|FILE.gguf --data=FILE.jsonl | --model=DIR --task=FILE.toml [--key=value]",
       "Measures pass@k on problems, the likelihood of texts, or an encoder's task, with intervals", verb_eval,
       Work::kLong},
      {"predict", "limbeck predict --model=DIR --input=FILE --out=FILE.jsonl",
       "Gives an encoder's labels and probabilities (or scores, tags, answers) for new rows", verb_predict,
       Work::kLong},
      {"export", "limbeck export --model=DIR|FILE.gguf --out=DIR|FILE.gguf [--type=q8_0]",
       "Writes a model for other tools: a Hugging Face folder, or a GGUF file that llama.cpp opens", verb_export,
       Work::kLong},
  };
  return list;
}

}  // namespace limbeck::cli
