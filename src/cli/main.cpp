// limbeck-torch: the program with all verbs.
#include "cli/entry.h"

int main(int argc, char** argv) {
  return limbeck::cli::enter(argc, argv);
}
