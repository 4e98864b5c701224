/// \file
/// What this process may use of the machine. In a container the machine's own figures promise more than there
/// is: control groups (Linux's cgroups, versions 1 and 2) limit CPU time and memory, and of nested ones the
/// tightest counts.
///
/// `root` is where /proc and /sys are looked for.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace backdrop {

/// The CPUs' worth of time that quotas leave this process, rounded up; nothing without a quota. More threads
/// than that would all be stopped for the rest of each period.
std::optional<int> cpu_quota(const std::filesystem::path& root = "/");

/// Bytes that this process can take before the machine or one of its groups runs out. Nothing if neither
/// says.
std::optional<std::size_t> available_memory(const std::filesystem::path& root = "/");

}  // namespace backdrop
