// Hostile and damaged pickles, one row each: whatever they ask for, nothing runs and the file is refused by
// name.
#include <gtest/gtest.h>

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

struct Refusal {
  std::string name;
  std::string object;
  std::string reason;
  /// In place of an object that takes long to make: every process of this program makes the table.
  std::string (*large)() = nullptr;
};

std::string object_of(const Refusal& refusal) {
  return refusal.large != nullptr ? refusal.large() : refusal.object;
}

std::string repeated(std::size_t count, std::string_view opcode) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += opcode;
  return all;
}

std::string float_storage(std::int64_t numel = 6) {
  return pickle::storage("FloatStorage", "0", numel);
}

std::string weight(const std::string& tensor) {
  return dict({{"weight", tensor}});
}

std::string view(std::int64_t offset, const std::vector<std::int64_t>& shape,
                 const std::vector<std::int64_t>& strides) {
  return weight(pickle::tensor(float_storage(), offset, shape, strides));
}

std::string storage_id(const std::vector<std::string>& fields) {
  return tuple(fields) + "Q";
}

std::vector<Refusal> hostile_globals() {
  const std::string advice = "not on the list of what a checkpoint may hold";
  return {
      {"OsSystem", call(global("os", "system"), {text("touch owned")}),
       "refers to os.system, which is " + advice},
      {"PosixSystem", call(global("posix", "system"), {text("id")}), "posix.system"},
      {"Eval", call(global("builtins", "eval"), {text("1")}), "builtins.eval"},
      {"Python2Eval", call(global("__builtin__", "eval"), {text("1")}), "__builtin__.eval"},
      {"Getattr", call(global("builtins", "getattr"), {text("a"), text("b")}), "builtins.getattr"},
      {"Subprocess", call(global("subprocess", "Popen"), {text("id")}), "subprocess.Popen"},
      {"LoadFromBytes", call(global("torch.storage", "_load_from_bytes"), {text("x")}),
       "torch.storage._load_from_bytes"},
      {"TorchLoad", call(global("torch", "load"), {text("x")}), "torch.load"},
      {"StackGlobal", text("os") + text("system") + "\x93", "os.system"},
      {"DottedName", text("os") + text("path.join") + "\x93", "os.path.join"},
      {"NewObject", global("runpy", "_run_code") + ")\x81", "runpy._run_code"},
      {"DillType", call(global("dill._dill", "_load_type"), {text("CodeType")}), "builtins.CodeType"},
      {"DillFunction", global("dill._dill", "_create_function"), "dill._dill._create_function"},
      {"UnprintableName", global("o\x1b[31ms", "sys\ttem"), "o?[31ms.sys?tem"},
      {"ModelClass", global("torchvision.models.resnet", "ResNet") + ")\x81",
       "whole pickled model (class torchvision.models.resnet.ResNet)"},
      {"OwnModelClass", global("__main__", "Net") + ")\x81" + dict({{"_parameters", "}"}}) + "b",
       "whole pickled model (class __main__.Net)"},
  };
}

std::vector<Refusal> refused_opcodes() {
  return {
      {"Inst", "(ios\nsystem\n", "opcode INST"},
      {"Obj", "(" + global("argparse", "Namespace") + "o", "opcode OBJ"},
      {"Extension1", "\x82\x01", "opcode EXT1"},
      {"Extension2", "\x83\x01\x01", "opcode EXT2"},
      {"Extension4", "\x84\x01\x01\x01\x01", "opcode EXT4"},
      {"TextPersistentId", "Pstorage\n", "opcode PERSID"},
      {"TextInteger", "I1\n", "opcode INT"},
      {"TextLong", "L1L\n", "opcode LONG"},
      {"TextFloat", "F1\n", "opcode FLOAT"},
      {"TextString", "S'a'\n", "opcode STRING"},
      {"TextUnicode", "Va\n", "opcode UNICODE"},
      {"TextGet", "g1\n", "opcode GET"},
      {"TextPut", "Np1\n", "opcode PUT"},
      {"Duplicate", "N2", "opcode DUP"},
      {"ProtocolTwice", "\x80\x02", "opcode PROTO"},
      {"OutOfBandBuffer", "\x97", "opcode NEXT_BUFFER"},
      {"ReadOnlyBuffer", "\x98", "opcode READONLY_BUFFER"},
      {"Unknown", "\xfe", "opcode 0xfe"},
  };
}

std::vector<Refusal> broken_stacks() {
  return {
      {"Nothing", "", "takes more values than there are"},
      {"TwoValues", "NN", "leaves values over"},
      {"OpenMark", "N(", "takes more values than there are"},
      {"ValueBeforeMark", "(N", "leaves values over"},
      {"PopNothing", "0", "takes more values than there are"},
      {"PopBelowMark",
       "N(0"
       "0"
       "0N",
       "takes more values than there are"},
      {"TupleWithoutMark", "Nt", "did not open"},
      {"AppendsWithoutMark", "]Ne", "did not open"},
      {"AppendToNone", "NNa", "adds items to None"},
      {"AppendToTuple", ")Na", "adds items to a tuple"},
      {"ItemsOfAList", "](NNu", "adds items to a list"},
      {"OddItems", "}(NNNu", "adds items to a dictionary"},
      {"AddToDict", "}(N\x90", "adds items to a dictionary"},
      {"GetUnset", "h\x07", "recalls value 7"},
      {"LongGetUnset", "j\xff\xff\xff\xff", "recalls value 4294967295"},
      {"PutNothing", "q\x01N", "takes more values than there are"},
      {"BuildNone", "NNb", "sets attributes of None"},
      {"CallText", text("os.system") + ")R", "calls text"},
      {"CallWithoutTuple", global("collections", "OrderedDict") + "NR", "calls collections.OrderedDict"},
      {"CallStorageType", global("torch", "FloatStorage") + ")R", "calls torch.FloatStorage"},
      {"InstanceOfText", text("os") + ")\x81", "makes an instance of text"},
      {"InstanceOfFunction", global("torch._utils", "_rebuild_tensor_v2") + ")\x81",
       "makes an instance of torch._utils"},
      {"GlobalOfNumbers", "K\x01K\x02\x93", "whose name is not text"},
      {"PairsThatAreNone", call(global("collections", "OrderedDict"), {pickle::list({"N"})}),
       "wrong arguments"},
      {"SizeOfNone", call(global("torch", "Size"), {"N"}), "calls torch.Size with the wrong arguments"},
      {"DillTypeOfNumber", call(global("dill._dill", "_load_type"), {"K\x01"}), "wrong arguments"},
  };
}

std::vector<Refusal> memory_bombs() {
  return {
      {"NestedLists", "", "more than 2097152 values", [] { return repeated(3'000'000, "]"); }},
      {"NestedMarks", "", "nests more than 10000 deep", [] { return repeated(1'000'000, "("); }},
      {"NestedTuples", "", "more than 2097152 values", [] { return "N" + repeated(3'000'000, "\x85"); }},
      {"StackOfOneValue", "", "stack grows past", [] { return "Nq\x01" + repeated(3'000'000, "h\x01"); }},
      {"MemoOfOneValue", "", "remembers more values", [] { return "N" + repeated(3'000'000, "\x94"); }},
      {"PutFarAway", "Nr" + little_endian(4'000'000'000, 4) + "0h\x01", "recalls value 1"},
      {"CopiedDictionaries",
       "}q\x01(" + repeated(1000, "NN") + "u0" +
           repeated(2000, global("collections", "Counter") + "h\x01\x85R"
                                                             "0") +
           "N",
       "more than 2097152 values"},
      {"TensorsOfManyDimensions", "", "more than 2097152 values",
       [] {
         return "(" + repeated(64, "K\x01") + "tq\x01" + "0" + float_storage() + "q\x02" + "0" +
                repeated(20'000, global("torch._utils", "_rebuild_tensor_v2") + "(h\x02K\x01h\x01h\x01tR0") +
                "N";
       }},
      {"HugeText", "X\xff\xff\xff\xff", "ends too early"},
      {"HugeText8", "\x8d" + repeated(8, "\xff"), "ends too early"},
      {"HugeBytes8", "\x8e" + repeated(8, "\xff"), "ends too early"},
      {"HugeLong", "\x8b\xff\xff\xff\x7f", "ends too early"},
      {"NegativeLong", "\x8b\xff\xff\xff\xff", "ends too early"},
      {"EndlessGlobal", "c" + std::string(5000, 'a') + "\n", "line of more than 1000 characters"},
      {"GlobalWithoutEnd", "cos", "ends too early"},
  };
}

std::vector<Refusal> wrong_references() {
  const std::string type = global("torch", "FloatStorage");
  const std::string reason = "refers to data in a way that torch.save does not";
  return {
      {"TextId", text("storage") + "Q", reason},
      {"ShortId", storage_id({text("storage"), type, text("0"), text("cpu")}), reason},
      {"LongId", storage_id({text("storage"), type, text("0"), text("cpu"), "K\x06", "N", "N"}), reason},
      {"OtherId", storage_id({text("module"), type, text("0"), text("cpu"), "K\x06"}), reason},
      {"UntypedId", storage_id({text("storage"), text("FloatStorage"), text("0"), text("cpu"), "K\x06"}),
       reason},
      {"ClassId",
       storage_id({text("storage"), global("argparse", "Namespace"), text("0"), text("cpu"), "K\x06"}),
       reason},
      {"NumberedId", storage_id({text("storage"), type, "K\x01", text("cpu"), "K\x06"}), reason},
      {"NegativeId", storage_id({text("storage"), type, text("0"), text("cpu"), integer(-1)}), reason},
      {"WideView",
       storage_id(
           {text("storage"), type, text("0"), text("cpu"), "K\x06", tuple({text("1"), "K\x02", "K\x05"})}),
       reason},
      {"FarView",
       storage_id({text("storage"), type, text("0"), text("cpu"), "K\x06",
                   tuple({text("1"), integer(INT64_MAX), integer(INT64_MAX)})}),
       reason},
      {"ComplexStorage", weight(pickle::tensor(pickle::storage("ComplexFloatStorage", "0", 3), 0, {3}, {1})),
       "torch.ComplexFloatStorage"},
      {"MissingStorage", weight(pickle::tensor(pickle::storage("FloatStorage", "1", 6), 0, {6}, {1})),
       "lacks the entry \"archive/data/1\""},
      {"StorageOutside",
       weight(pickle::tensor(pickle::storage("FloatStorage", "../version", 1), 0, {1}, {1})),
       "lacks the entry \"archive/data/../version\""},
      {"LongerStorage", weight(pickle::tensor(float_storage(7), 0, {6}, {1})),
       "7 values of float32, but 24 bytes"},
      {"ShorterStorage", weight(pickle::tensor(float_storage(5), 0, {5}, {1})),
       "5 values of float32, but 24 bytes"},
      {"WiderStorage", weight(pickle::tensor(pickle::storage("DoubleStorage", "0", 6), 0, {6}, {1})),
       "but 24 bytes"},
  };
}

std::vector<Refusal> wrong_tensors() {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::string function = global("torch._utils", "_rebuild_tensor_v2");
  return {
      {"OnePastTheEnd", view(0, {7}, {1}), "reaches value 6 of a storage that holds 6"},
      {"OffsetPastTheEnd", view(6, {1}, {1}), "reaches value 6"},
      {"StridePastTheEnd", view(0, {2, 3}, {4, 1}), "reaches value 6"},
      {"NegativeOffset", view(-1, {1}, {1}), "wrong arguments"},
      {"NegativeSize", view(0, {-2, -3}, {3, 1}), "impossible sizes"},
      {"NegativeStride", view(5, {6}, {-1}), "impossible strides"},
      {"OverflowingSizes", view(0, {1LL << 32, 1LL << 32, 1LL << 32}, {0, 0, 0}), "impossible sizes"},
      {"OverflowingStrides", view(0, {3, 3}, {most, most}), "impossible strides"},
      {"OverflowingOffset", view(most, {3}, {most}), "impossible strides"},
      {"MemoryBomb", view(0, {1LL << 30, 1LL << 20}, {0, 0}), "unfolds to 1125899906842624 values"},
      {"SmallerMemoryBomb", view(0, {2000, 2000}, {0, 0}), "unfolds to 4000000 values"},
      {"FewerStrides", view(0, {2, 3}, {1}), "2 sizes and 1 strides"},
      {"ManyDimensions",
       weight(pickle::tensor(float_storage(), 0, std::vector<std::int64_t>(65, 1),
                             std::vector<std::int64_t>(65, 1))),
       "wrong arguments"},
      {"HugeSize",
       weight(call(function, {float_storage(), integer(0), tuple({"\x8a\x09" + std::string(9, 'a')}),
                              tuple({integer(1)})})),
       "wrong arguments"},
      {"SizesOfText",
       weight(call(function, {float_storage(), integer(0), tuple({text("a")}), tuple({integer(1)})})),
       "wrong arguments"},
      {"NoStorage", weight(call(function, {"N", integer(0), tuple({integer(1)}), tuple({integer(1)})})),
       "wrong arguments"},
      {"NoArguments", weight(call(function, {})),
       "calls torch._utils._rebuild_tensor_v2 with the wrong arguments"},
      {"ParameterOfNone", weight(call(global("torch._utils", "_rebuild_parameter"), {"N", "\x88", "}"})),
       "wrong arguments"},
      {"NestedFromType",
       weight(call(global("torch._tensor", "_rebuild_from_type_v2"),
                   {global("torch._tensor", "_rebuild_from_type_v2"), global("torch", "Tensor"), ")", "}"})),
       "wrong arguments"},
  };
}

class PickleRefusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(PickleRefusals, InAZipArchive) {
  expect_refused(zip_checkpoint(object_of(GetParam()), {small_storage()}), GetParam().reason);
}

// A legacy file goes on after its pickle, so what ends too early there may be found out a little later.
TEST_P(PickleRefusals, InALegacyFile) {
  const std::string reason = GetParam().reason;
  const bool is_of_zip =
      reason.find("lacks the entry") != std::string::npos || reason.find("24 bytes") != std::string::npos;
  const bool is_of_end = reason.find("ends too early") != std::string::npos;
  expect_refused(legacy_checkpoint(object_of(GetParam()), {{"0", little_endian(6, 8) + small_storage()}}),
                 is_of_zip || is_of_end ? "" : reason);
}

const auto kName = [](const auto& parameter) { return parameter.param.name; };
INSTANTIATE_TEST_SUITE_P(Globals, PickleRefusals, ::testing::ValuesIn(hostile_globals()), kName);
INSTANTIATE_TEST_SUITE_P(Opcodes, PickleRefusals, ::testing::ValuesIn(refused_opcodes()), kName);
INSTANTIATE_TEST_SUITE_P(Stacks, PickleRefusals, ::testing::ValuesIn(broken_stacks()), kName);
INSTANTIATE_TEST_SUITE_P(Bombs, PickleRefusals, ::testing::ValuesIn(memory_bombs()), kName);
INSTANTIATE_TEST_SUITE_P(References, PickleRefusals, ::testing::ValuesIn(wrong_references()), kName);
INSTANTIATE_TEST_SUITE_P(Tensors, PickleRefusals, ::testing::ValuesIn(wrong_tensors()), kName);

TEST(PickleRefusals, NothingIsRun) {
  const TemporaryFolder folder;
  const std::filesystem::path witness = folder.path / "owned";
  expect_refused(zip_checkpoint(call(global("os", "system"), {text("touch " + witness.string())})),
                 "os.system");
  EXPECT_FALSE(std::filesystem::exists(witness));
}

TEST(PickleRefusals, Protocols) {
  for (const char protocol : {'\0', '\1', '\6', '\xff'}) {
    const std::string bytes = "\x80" + std::string(1, protocol) + "}.";
    expect_refused(zip({{.name = "a/data.pkl", .data = bytes}}), "pickle of protocol");
  }
  expect_refused(zip({{.name = "a/data.pkl", .data = "}."}}), "has no pickle");
  expect_refused(zip({{.name = "a/data.pkl", .data = ""}}), "ends too early");
}

TEST(LegacyRefusals, StreamsThatDoNotAgreeWithTheirPickles) {
  const std::string object = small_object();
  const std::string storage = little_endian(6, 8) + small_storage();
  expect_refused(legacy_checkpoint(object), "lacks storage \"0\" of tensor \"weight\"");
  expect_refused(legacy_checkpoint(object, {{"1", storage}}),
                 "stores \"1\", which its pickle does not refer to");
  expect_refused(legacy_checkpoint(object, {{"0", little_endian(7, 8) + small_storage()}}),
                 "has 7 values, but its pickle says 6");
  expect_refused(legacy_checkpoint(object, {{"0", little_endian(6, 8) + "short"}}),
                 "6 values does not fit the 5 bytes left");
  expect_refused(legacy_checkpoint(object, {{"0", storage}}) + "more", "4 bytes follow its last storage");
  const std::string huge = dict({{"w", pickle::tensor(float_storage(INT64_MAX), 0, {1}, {1})}});
  expect_refused(legacy_checkpoint(huge, {{"0", little_endian(INT64_MAX, 8)}}),
                 "does not fit the 0 bytes left");
  const std::string two_ways =
      dict({{"a", pickle::tensor(float_storage(), 0, {1}, {1})},
            {"b", pickle::tensor(pickle::storage("HalfStorage", "0", 6), 0, {1}, {1})}});
  expect_refused(legacy_checkpoint(two_ways, {{"0", storage}}), "describes storage \"0\" in two ways");
}

TEST(LegacyRefusals, OtherPickles) {
  expect_refused(pickle::whole(dict({{"a", "N"}})), "is a plain pickle of a dictionary");
  expect_refused(pickle::whole(integer(5)), "is a plain pickle of an integer");
  const std::string magic = pickle::whole("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
  expect_refused(magic + pickle::whole("M\xea\x03") + pickle::whole("}"), "1001");
  expect_refused(magic + pickle::whole("M\xe9\x03") + pickle::whole("N"), "system information is None");
  expect_refused(magic, "ends too early");
  expect_refused(legacy_checkpoint(call(global("os", "system"), {text("id")})), "os.system");
}

}  // namespace
}  // namespace backdrop::testing
