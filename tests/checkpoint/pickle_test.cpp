// What the pickle reader builds: views, dtypes, storages and objects that lie beside the tensors.
#include "loaders/pickle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "file_writers.h"

namespace backdrop::testing {
namespace {

using pickle::call;
using pickle::dict;
using pickle::global;
using pickle::integer;
using pickle::text;
using pickle::tuple;

Tensor load_weight(const std::string& tensor, const std::string& storage) {
  return load_bytes(zip_checkpoint(dict({{"weight", tensor}}), {storage})).tensors.at("weight");
}

/// A flat tensor of every value in a storage of this type.
std::vector<float> decoded(std::string_view type, const std::string& storage, std::int64_t count) {
  return load_weight(pickle::tensor(pickle::storage(type, "0", count), 0, {count}, {1}), storage).values;
}

/// `bytes` must outlive the result.
Pickle parsed(const std::string& bytes) {
  return read_pickle({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

TEST(ElementTypes, IntegersAndBooleansBecomeNumbers) {
  EXPECT_EQ(decoded("CharStorage", "\xff\x05", 2), (std::vector<float>{-1, 5}));
  EXPECT_EQ(decoded("ByteStorage", "\xff\x05", 2), (std::vector<float>{255, 5}));
  EXPECT_EQ(decoded("BoolStorage", std::string("\1\0", 2), 2), (std::vector<float>{1, 0}));
  EXPECT_EQ(decoded("ShortStorage", little_endian(0xfffe, 2), 1), std::vector<float>{-2});
  EXPECT_EQ(decoded("IntStorage", little_endian(1 << 20, 4), 1), std::vector<float>{1 << 20});
  EXPECT_EQ(decoded("LongStorage", little_endian(0xfffffffffffffffd, 8), 1), std::vector<float>{-3});
}

TEST(ElementTypes, EveryHalfIsExact) {
  std::string storage;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) storage += little_endian(bits, 2);
  const std::vector<float> values = decoded("HalfStorage", storage, 0x10000);
  for (std::uint32_t bits = 0; bits < 0x8000; ++bits) {
    const int exponent = static_cast<int>(bits >> 10);
    const auto mantissa = static_cast<float>(bits & 0x3ff);
    const float expected = exponent == 0   ? std::ldexp(mantissa, -24)
                           : exponent < 31 ? std::ldexp(mantissa + 1024, exponent - 25)
                           : mantissa == 0 ? std::numeric_limits<float>::infinity()
                                           : std::numeric_limits<float>::quiet_NaN();
    const float positive = values[bits];
    const float negative = values[bits + 0x8000];
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(positive) && std::isnan(negative)) << bits;
    } else {
      ASSERT_EQ(positive, expected) << bits;
      ASSERT_EQ(negative, -expected) << bits;
      ASSERT_TRUE(std::signbit(negative)) << bits;
    }
  }
}

TEST(ElementTypes, BrainFloatsAndDoubles) {
  EXPECT_EQ(decoded("BFloat16Storage", little_endian(0xbfc0, 2), 1), std::vector<float>{-1.5f});
  const double third = 1.0 / 3;
  EXPECT_EQ(decoded("DoubleStorage", std::string(reinterpret_cast<const char*>(&third), 8), 1),
            std::vector<float>{1.0f / 3});
}

TEST(Tensors, BigEndianArchives) {
  const auto archive = [](const std::string& order) {
    return zip({{.name = "a/data.pkl", .data = pickle::whole(small_object())},
                {.name = "a/byteorder", .data = order},
                {.name = "a/data/0", .data = std::string("\x3f\x80\0\0", 4) + std::string(20, '\0')}});
  };
  EXPECT_EQ(load_bytes(archive("big")).tensors.at("weight").values[0], 1.0f);
  EXPECT_NE(load_bytes(archive("little")).tensors.at("weight").values[0], 1.0f);
  expect_refused(archive("middle"), "unknown byte order \"middle\"");
}

TEST(Tensors, TheStrideOfASizeOfOneMeansNothing) {
  const std::string tensor = pickle::tensor(pickle::storage("FloatStorage", "0", 6), 0, {1, 2, 1},
                                            {std::numeric_limits<std::int64_t>::max(), 3, 77});
  EXPECT_EQ(load_weight(tensor, small_storage()).values, (std::vector<float>{1, 4}));
}

TEST(Tensors, OldAndNewWaysToRebuildThem) {
  const std::string storage = pickle::storage("FloatStorage", "0", 6);
  const std::string shape = tuple({integer(2)});
  const std::string stride = tuple({integer(1)});
  const std::string plain = call(global("torch._utils", "_rebuild_tensor"),
                                 {storage, integer(1), call(global("torch", "Size"), {shape}), stride});
  EXPECT_EQ(load_weight(plain, small_storage()).values, (std::vector<float>{2, 3}));
  const std::string parameter = call(global("torch._utils", "_rebuild_parameter"), {plain, "\x88", "}"});
  EXPECT_EQ(load_weight(parameter, small_storage()).values, (std::vector<float>{2, 3}));
  const std::string with_attributes =
      call(global("torch._tensor", "_rebuild_from_type_v2"),
           {global("torch._utils", "_rebuild_tensor"), global("torch", "Tensor"),
            tuple({storage, integer(4), shape, stride}), "}"});
  EXPECT_EQ(load_weight(with_attributes, small_storage()).values, (std::vector<float>{5, 6}));
}

TEST(Tensors, ExpandedTensorsUnfoldWhileTheyAreSmall) {
  const std::string tensor = pickle::tensor(pickle::storage("FloatStorage", "0", 6), 5, {100, 100}, {0, 0});
  EXPECT_EQ(load_weight(tensor, small_storage()).values, std::vector<float>(10000, 6));
}

TEST(Pickles, Python2WritesOrderedDictsAsPairs) {
  const std::string pair =
      "](" + text("weight") + pickle::tensor(pickle::storage("FloatStorage", "0", 6), 0, {6}, {1}) + "e";
  const std::string object = call(global("collections", "OrderedDict"), {pickle::list({pair})});
  EXPECT_EQ(load_bytes(zip_checkpoint(object, {small_storage()})).tensors.at("weight").values.size(), 6u);
}

TEST(Pickles, Python2Strings) {
  const std::string bytes = pickle::whole(
      "](U\x03"
      "abcT\x02" +
      std::string(3, '\0') + "dee");
  const Pickle result = parsed(bytes);
  ASSERT_EQ(result.root->items.size(), 2u);
  EXPECT_EQ(result.root->items[0]->text, "abc");
  EXPECT_EQ(result.root->items[1]->text, "de");
}

TEST(Pickles, IntegersOfEverySize) {
  const std::string bytes =
      pickle::whole(tuple({"K\xff", "M\xff\xff", "J\xff\xff\xff\xff", std::string("\x8a\0", 2),
                           "\x8a\x01\x80", "\x8a\x02\xff\x7f", integer(INT64_MIN),
                           "\x8b" + little_endian(1, 4) + "\x7f", "\x8a\x09" + std::string(9, 'a')}));
  const Pickle result = parsed(bytes);
  const std::vector<std::int64_t> expected = {255, 65535, -1, 0, -128, 32767, INT64_MIN, 127};
  ASSERT_EQ(result.root->items.size(), expected.size() + 1);
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(result.root->items[i]->integer, expected[i]) << i;
  EXPECT_EQ(result.root->items.back()->kind, PickleKind::big_integer);
}

TEST(Pickles, ObjectsBesideTheTensorsStayInert) {
  const std::string scalar = call(global("numpy._core.multiarray", "scalar"),
                                  {call(global("numpy", "dtype"), {text("f8"), "\x89", "\x88"}) +
                                       tuple({integer(3), text("<"), "N"}) + "b",
                                   call(global("_codecs", "encode"), {text("bytes"), text("latin1")})});
  const std::string dill_set =
      call(call(global("dill._dill", "_load_type"), {text("set")}), {pickle::list({"K\x01"})});
  const std::string name_space =
      global("argparse", "Namespace") + ")\x81" + dict({{"lr", "G" + std::string(8, 'x')}}) + "b";
  const std::string bytes = pickle::whole(tuple({scalar, dill_set, name_space}));
  const Pickle result = parsed(bytes);
  EXPECT_EQ(describe(*result.root->items[0]), "an object of class numpy._core.multiarray.scalar");
  EXPECT_EQ(describe(*result.root->items[1]), "an object of class builtins.set");
  EXPECT_EQ(describe(*result.root->items[2]), "an object of class argparse.Namespace");
}

TEST(Pickles, ContainersMayHoldThemselves) {
  const std::string bytes = pickle::whole(
      "]q\x01(h\x01h\x01"
      "e");
  const Pickle result = parsed(bytes);
  EXPECT_EQ(result.root->items[0], result.root);
  const std::string object = "}q\x01(" + text("model") + "h\x01u";
  expect_refused(zip_checkpoint(object), "its keys are model;");
}

TEST(Pickles, OpcodesOfProtocol4And5) {
  const std::string body = "\x95" + little_endian(99, 8) +
                           "\x8c\x01"
                           "a\x94\x8d" +
                           little_endian(1, 8) + "b\x94\x86\x94h" + std::string(1, '\0') +
                           "0\x8f(K\x01\x90"
                           "0(K\x01\x91"
                           "0C\x02zz0B" +
                           little_endian(1, 4) + "z0\x8e" + little_endian(1, 8) + "z0\x96" +
                           little_endian(1, 8) + "z0(N1";
  const std::string bytes = pickle::whole(body, 5);
  const Pickle result = parsed(bytes);
  ASSERT_EQ(result.root->kind, PickleKind::tuple);
  EXPECT_EQ(result.root->items[0]->text, "a");
  EXPECT_EQ(result.root->items[1]->text, "b");
}

TEST(LegacyFiles, CudaStoragesAndViewsOfStorages) {
  const std::string view = tuple({text("storage"), global("torch", "FloatStorage"), text("94"),
                                  text("cuda:0"), integer(6), tuple({text("95"), integer(2), integer(3)})}) +
                           "Q";
  const std::string object = dict({{"weight", pickle::tensor(view, 1, {2}, {1})}});
  const std::string storage = little_endian(6, 8) + small_storage();
  const Checkpoint checkpoint = load_bytes(legacy_checkpoint(object, {{"94", storage}}));
  EXPECT_EQ(checkpoint.format, "pytorch-legacy");
  EXPECT_EQ(checkpoint.tensors.at("weight").values, (std::vector<float>{4, 5}));
  const std::string outside = dict({{"weight", pickle::tensor(view, 2, {2}, {1})}});
  expect_refused(legacy_checkpoint(outside, {{"94", storage}}), "reaches value 3 of a storage that holds 3");
}

}  // namespace
}  // namespace backdrop::testing
