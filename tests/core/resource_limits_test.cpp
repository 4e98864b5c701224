// The files of the kernel, as they were seen on machines and in containers, in a folder.
#include "core/resource_limits.h"

#include <gtest/gtest.h>

#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGiB = std::size_t{1} << 30;

class ResourceLimitsTest : public ::testing::Test {
 protected:
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((root() / file).parent_path());
    testing::write_text(root() / file, text);
  }
  const fs::path& root() const { return temporary_.path; }

 private:
  testing::TemporaryFolder temporary_;
};

TEST_F(ResourceLimitsTest, WithoutGroupsTheMachineDecides) {
  EXPECT_FALSE(cpu_quota(root()));
  EXPECT_FALSE(available_memory(root()));
  write("proc/meminfo", "MemTotal:       8388608 kB\nMemFree:  1024 kB\nMemAvailable:    4194304 kB\n");
  EXPECT_EQ(available_memory(root()), 4 * kGiB);
  write("proc/self/cgroup", "nonsense\n0::/\n");
  EXPECT_FALSE(cpu_quota(root()));
  EXPECT_EQ(available_memory(root()), 4 * kGiB);
}

TEST_F(ResourceLimitsTest, TheTightestOfTheGroupAndThoseAroundIt) {
  write("proc/meminfo", "MemAvailable:  268435456 kB\n");
  write("proc/self/cgroup", "0::/pods/pod/search\n");
  write("sys/fs/cgroup/pods/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/pods/pod/cpu.max", "250000 100000\n");
  write("sys/fs/cgroup/pods/pod/search/cpu.max", "400000 100000\n");
  EXPECT_EQ(cpu_quota(root()), 3);
  write("sys/fs/cgroup/pods/pod/search/cpu.max", "5000 100000\n");
  EXPECT_EQ(cpu_quota(root()), 1);

  write("sys/fs/cgroup/pods/memory.max", "max\n");
  write("sys/fs/cgroup/pods/pod/memory.max", std::to_string(8 * kGiB) + '\n');
  write("sys/fs/cgroup/pods/pod/memory.current", std::to_string(3 * kGiB) + '\n');
  EXPECT_EQ(available_memory(root()), 5 * kGiB);
  write("sys/fs/cgroup/pods/pod/memory.stat",
        "anon " + std::to_string(2 * kGiB) + "\ninactive_file " + std::to_string(kGiB) + "\nactive_file 0\n");
  EXPECT_EQ(available_memory(root()), 6 * kGiB);
  write("sys/fs/cgroup/pods/pod/search/memory.max", "max\n");
  write("sys/fs/cgroup/pods/pod/search/memory.high", std::to_string(kGiB) + '\n');
  write("sys/fs/cgroup/pods/pod/search/memory.current", std::to_string(2 * kGiB) + '\n');
  EXPECT_EQ(available_memory(root()), 0u);
}

TEST_F(ResourceLimitsTest, AContainersOwnGroupIsItsOutermost) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  write("sys/fs/cgroup/memory.max", std::to_string(8 * kGiB) + '\n');
  EXPECT_EQ(cpu_quota(root()), 2);
  EXPECT_EQ(available_memory(root()), 8 * kGiB);
}

TEST_F(ResourceLimitsTest, VersionOneHasAHierarchyForEachController) {
  write("proc/meminfo", "MemAvailable:  268435456 kB\n");
  write("proc/self/cgroup",
        "5:cpuset:/other\n4:cpu,cpuacct:/docker/1f\n3:memory:/docker/1f\n1:name=systemd:/docker/1f\n0::/\n");
  // In the container, its group is mounted in the place of the outermost; "/docker/1f" is not to be seen.
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "50000\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(8 * kGiB) + '\n');
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(6 * kGiB) + '\n');
  write("sys/fs/cgroup/memory/memory.stat",
        "inactive_file 1\ntotal_inactive_file " + std::to_string(kGiB) + '\n');
  EXPECT_EQ(cpu_quota(root()), 3);
  EXPECT_EQ(available_memory(root()), 3 * kGiB);

  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(cpu_quota(root()));
  EXPECT_EQ(available_memory(root()), 256 * kGiB);
}

}  // namespace
}  // namespace backdrop
