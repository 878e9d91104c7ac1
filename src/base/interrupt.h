// Ctrl-C and SIGTERM: a flag that long work looks at where it can save. A second Ctrl-C ends at once.
#pragma once

namespace limbeck {

void catch_interrupts();                              // installs the handlers; call once in main
int interrupted();                                    // 0, SIGINT or SIGTERM
void throw_if_interrupted(const char* how_to_go_on);  // throws Interrupted

}  // namespace limbeck
