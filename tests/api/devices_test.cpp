// The devices of this machine against what sessions say of them.
#include "backdrop/devices.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <span>

#include "backdrop/error.h"
#include "backdrop/session.h"
#include "tests/api/models.h"

namespace backdrop::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST(PublicDevices, BeginWithTheCpuAsSessionsTakeIt) {
  const std::vector<DeviceDescription> all = devices();
  ASSERT_THAT(all, SizeIs(::testing::Ge(2u)));
  const DeviceDescription& cpu = all.front();
  EXPECT_EQ(cpu.device, "cpu");
  EXPECT_EQ(cpu.trouble, "");
  EXPECT_THAT(cpu.instructions, Not(IsEmpty()));
  const Model model = Model::load(kDemoCheckpoint);
  EXPECT_THAT(Session(model, {.device = cpu.device}).description(),
              HasSubstr("CPU, " + std::to_string(cpu.threads) + " threads"));
  EXPECT_THAT(cpu.precisions, Contains("fp32"));
  for (const std::string precision : {"fp32", "bf16", "int16", "int8"}) {
    const auto open = [&] { Session session(model, {.device = cpu.device, .precision = precision}); };
    if (std::ranges::count(cpu.precisions, precision) == 1)
      EXPECT_NO_THROW(open()) << precision;
    else
      EXPECT_THROW(open(), Error) << precision;
  }
}

TEST(PublicDevices, SayWhyAGpuCannotBeUsed) {
  const std::vector<DeviceDescription> all = devices();
  const Model model = Model::load(kDemoCheckpoint);
  for (const DeviceDescription& gpu : std::span(all).subspan(1)) {
    EXPECT_THAT(gpu.device, StartsWith("cuda"));
    EXPECT_EQ(gpu.precisions.empty(), !gpu.trouble.empty());
    if (gpu.trouble.empty()) continue;
    // In the words of whoever tries all the same.
    EXPECT_THAT([&] { Session session(model, {.device = gpu.device}); },
                ::testing::ThrowsMessage<Error>(HasSubstr(gpu.trouble)));
  }
}

}  // namespace
}  // namespace backdrop::test
