// The message of the error that a call throws, for tests that look at what the user reads.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/errors.h"

namespace limbeck {

template <class E = Error, class F>
std::string message_of(F&& call) {
  try {
    call();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    ADD_FAILURE() << "another type of error: " << e.what();
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace limbeck
