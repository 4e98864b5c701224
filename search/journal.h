/// \file
/// The journal of a run: every finished block, appended, checksummed, and on the device within a second or
/// so.
///
///     header   text lines: format, the plan's shape, the run's identity, a SHA-256 of the lines before it
///     record   "BLK2", u32 pieces, u64 number, u64 pairs,
///              (i32 foreground, u32 backgrounds)[pieces], i32 background[pairs],
///              i64 decided again in a second precision, in fp32, audited (0 in an fp32 run),
///              i16 prediction[pairs], f32 margin[pairs], SHA-256 of all this as 64 hex digits
///
/// What is durable when. The header is written to another name, flushed and renamed, and the folder flushed:
/// a file called `journal` has a whole header. A record counts if its checksum holds, so it does not matter
/// in which order the device wrote its parts; the file is flushed once a second and when the run stops. A
/// process killed loses the block in hand; a power cut loses also what was not flushed yet. At opening,
/// everything from the first record that does not hold is cut off and will be computed again. When the run is
/// complete, its results are written and flushed, then the folder; then it takes its final name and its
/// parent is flushed; only then the journal is removed. Killed anywhere in between, the run still has either
/// its journal or its name.
///
/// A block is known by its number: plans repeat themselves exactly when told the same outcomes. The pieces in
/// the record are compared with the plan's, so that a journal of another plan is refused and not misread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "core/clock.h"
#include "core/durable_file.h"
#include "search/block.h"
#include "search/run_identity.h"

namespace backdrop {

class Journal {
 public:
  /// Starts an empty one at `path`. Throws failed.
  Journal(const std::filesystem::path& path, RunIdentity identity, const PlanShape& shape);
  /// Opens an existing one and cuts off what is not whole. Throws bad_input if its header is damaged or of
  /// another version of the format.
  explicit Journal(const std::filesystem::path& path);

  const RunIdentity& identity() const { return identity_; }
  const PlanShape& shape() const { return shape_; }
  std::size_t blocks() const { return records_.size() + appended_; }
  std::size_t bytes_cut_off() const { return bytes_cut_off_; }

  /// The answers of a block finished before the journal was opened, without logits. Throws bad_input if the
  /// record is of other pairs.
  std::optional<BlockAnswers> find(const Block& block) const;

  /// Appends a block; it is durable after the next `sync`, which is called from here once a second.
  void append(const Block& block, const BlockAnswers& answers);
  void sync();
  /// Drops every block, for good: what was decided in them does not count.
  void discard();

 private:
  void read_header();
  /// The record at `offset`, if it is whole: its size, else 0.
  std::size_t accept_record(std::size_t offset);

  std::filesystem::path path_;
  RunIdentity identity_;
  PlanShape shape_;
  std::vector<std::byte> bytes_;                  // of the file as it was opened
  std::map<std::uint64_t, std::size_t> records_;  // by number: offsets into bytes_
  std::size_t bytes_cut_off_ = 0;
  std::size_t appended_ = 0;
  std::optional<DurableFile> file_;
  std::size_t header_end_ = 0;
  std::size_t end_ = 0;  // of the file
  Clock::time_point last_sync_ = Clock::now();
};

}  // namespace backdrop
