#include "engine/device_choice.h"

#include <gtest/gtest.h>

#include "backdrop/error.h"

namespace backdrop {
namespace {

TEST(DeviceChoice, Words) {
  EXPECT_FALSE(parse_device("auto").gpu);
  EXPECT_FALSE(parse_device("cpu").gpu);
  EXPECT_EQ(parse_device("cuda").gpus, std::vector{0});
  EXPECT_EQ(parse_device("cuda:12").gpus, std::vector{12});
  EXPECT_EQ(parse_device("cuda:3,0,1").gpus, (std::vector{3, 0, 1}));
  EXPECT_TRUE(parse_device("cuda:all").gpu);
  EXPECT_TRUE(parse_device("cuda:all").gpus.empty());
}

TEST(DeviceChoice, RefusesInOneLine) {
  for (const char* text : {"", "gpu", "CUDA", "cuda:", "cuda0", "cuda:-1", "cuda:+1", "cuda:1x", "cuda:0,",
                           "cuda:,0", "cuda:0,,1", "cuda:0 ,1", "cuda:0, 1", "cuda:all,0", "cuda:0,all",
                           "cuda:0;1", "cuda:1.5", "cuda:99999999999999999999"}) {
    try {
      parse_device(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_EQ(std::string(error.what()).find(std::string(text) + " is not a device: auto, cpu, cuda"), 0u);
    }
  }
  for (const char* text : {"cuda:0,0", "cuda:1,2,01"}) {
    try {
      parse_device(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_NE(std::string(error.what()).find(" twice"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace backdrop
