#include "base/interrupt.h"

#include <signal.h>

#include <initializer_list>

#include "base/errors.h"

namespace limbeck {
namespace {

volatile sig_atomic_t caught = 0;

void on_signal(int signal) {
  if (caught != 0) {  // the user insists: end as if there were no handler
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  caught = signal;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  // A file size limit and a closed pipe are errors of write(2), which say more than a dead process.
  action.sa_handler = SIG_IGN;
  for (const int signal : {SIGXFSZ, SIGPIPE}) sigaction(signal, &action, nullptr);
}

int interrupted() {
  return caught;
}

void throw_if_interrupted(const char* how_to_go_on) {
  if (caught != 0) throw Interrupted(caught, how_to_go_on);
}

}  // namespace limbeck
