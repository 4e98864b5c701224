// Signal handlers that only remember.
#include "cli/interrupt.h"

#include <csignal>

namespace backdrop {
namespace {

volatile std::sig_atomic_t signal_came = 0;

}  // namespace

void watch_for_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { signal_came = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
  return signal_came != 0;
}

}  // namespace backdrop
