// A teacher behind an OpenAI-compatible address, described by a TOML file:
//
//   model = "…"                                a name that the server knows
//   api = "completions"                        or "chat": the prompt becomes the user's message
//   [server]
//   urls = ["https://api.example.org/v1"]      several are balanced
//   api_key_env = "MY_KEY"                     the variable's name; the key itself is written nowhere
//   [price]
//   prompt = 0.15                              of a million tokens
//   completion = 0.60
//   [cap]
//   cost = 2.00                                asking ends before this could be passed
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/fields.h"
#include "net/json_client.h"
#include "teachers/budget.h"
#include "teachers/openai.h"
#include "teachers/teacher.h"

namespace limbeck::teachers {

struct ServedOptions {
  Dialect dialect;
  int64_t samples_per_request = 0;
  std::string answers;
  net::ClientOptions server;
  Price price;
  Cap cap;
  void describe(Fields& f);
};

// Reads such a file. Throws UserErrors with every mistake in it.
ServedOptions read_served(const std::filesystem::path& toml);

// Answers are stored in `options.answers`, or in `answers` where that is empty, each before it is used; those that
// stand there are not asked for again. sample() throws UserError when the cap is reached, saying what it came to; what
// was answered by then has been handed out and stays.
std::unique_ptr<Teacher> served_teacher(const ServedOptions& options, const std::filesystem::path& answers);

}  // namespace limbeck::teachers
