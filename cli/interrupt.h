/// \file
/// SIGINT and SIGTERM as a question the work asks between two chunks.
#pragma once

namespace backdrop {

/// From here on the first signal is only remembered; the second one ends the process.
void watch_for_interrupts();

/// Whether a signal came.
bool interrupted();

}  // namespace backdrop
