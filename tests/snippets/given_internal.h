// What a reader of the snippets in internal headers has: what a search is made of.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/measured_plan.h"
#include "loaders/file.h"
#include "loaders/npy.h"
#include "loaders/safetensors.h"
#include "report/run_page.h"
#include "search/block_order.h"
#include "search/mpi_ranks.h"
#include "search/result_folder.h"
#include "search/runner.h"

namespace backdrop {

extern const std::string path, text;
extern const Checkpoint checkpoint;
extern const Network network;
extern const BuildReport report;
extern const ChallengeInput input;
extern const ClassMap map;

extern const std::unique_ptr<Engine> engine;
extern const PlanShape shape;
extern const std::unique_ptr<WorkPlan> plan;
extern SearchHooks hooks;
extern Ranks* const ranks;
void run_together(Ranks& ranks);
extern const std::function<bool()> stop;
extern const std::vector<const Block*> blocks;
void compute(const Block& block);

extern const RunIdentity identity;
extern const RunRecord record;
extern const PairMatrix pairs;
extern const ChallengeStatistics statistics;
extern ResultFolder folder;

struct Lists {};
Lists make_lists(const Foreground& foreground);
void run(const Foreground& foreground, const Lists& lists);

void complain(const std::string& line);
bool follow(const MeasuredPlan& plan);
MeasuredPlan measure();

extern const std::uint8_t* const data;  // of a fuzz target
extern const std::size_t size;

}  // namespace backdrop
