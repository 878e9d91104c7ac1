#include "models/encoder_catalog.h"

#include <fmt/ranges.h>  // fmt::join

#include "base/errors.h"
#include "base/printable.h"
#include "models/albert.h"
#include "models/bert.h"
#include "models/distilbert.h"
#include "models/electra.h"
#include "models/roberta.h"

namespace limbeck::models {

const std::vector<EncoderArchitecture>& encoder_architectures() {
  static const std::vector<EncoderArchitecture> rows = {
      bert(), roberta(), xlm_roberta(), camembert(), electra(), distilbert(), albert(),
  };
  return rows;
}

bool is_of_body(const EncoderArchitecture& row, std::string_view name) {
  const std::string_view projection = row.names.projection;
  return name.starts_with("embeddings.") || name.starts_with(row.names.blocks) ||
         (!projection.empty() && name.starts_with(projection));
}

const EncoderArchitecture& encoder_architecture_of(std::string_view model_type, std::string_view where) {
  std::vector<std::string_view> known;
  for (const EncoderArchitecture& row : encoder_architectures()) {
    if (row.model_type == model_type) return row;
    known.push_back(row.model_type);
  }
  fail(where, "model_type: expected an encoder ({}) but received '{}'", fmt::join(known, ", "), printable(model_type));
}

}  // namespace limbeck::models
