// Fails every test in which the GPU that is not there saw a fault.
#include <gtest/gtest.h>

#include "tests/ptx/runtime.h"

namespace backdrop::ptx {
namespace {

class FaultListener : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    for (const std::string& fault : take_faults()) ADD_FAILURE() << fault;
  }
};

class FaultEnvironment : public testing::Environment {
  void SetUp() override { testing::UnitTest::GetInstance()->listeners().Append(new FaultListener); }
};

const auto* const environment = testing::AddGlobalTestEnvironment(new FaultEnvironment);

}  // namespace
}  // namespace backdrop::ptx
