#include "loaders/checkpoint_recognise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "loaders/file.h"

namespace backdrop {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t position;
  std::string_view bytes;
  std::string_view message;
};

constexpr std::array<Signature, 16> kSignatures = {{
    {0, "\x89HDF\r\n\x1a\n"sv,
     "is an HDF5 file (Keras): only PyTorch and safetensors checkpoints can be read"sv},
    {0, "\x93NUMPY"sv, "is a NumPy .npy file: only PyTorch and safetensors checkpoints can be read"sv},
    {0, "GGUF"sv, "is a GGUF file: only PyTorch and safetensors checkpoints can be read"sv},
    {4, "TFL3"sv, "is a TensorFlow Lite model: only PyTorch and safetensors checkpoints can be read"sv},
    {257, "ustar"sv,
     "is a tar archive: unpack it, or, if torch.save of 2016 wrote it, save it again with a newer one"sv},
    {0, "\x1f\x8b"sv, "is compressed with gzip: unpack it first"sv},
    {0, "BZh"sv, "is compressed with bzip2: unpack it first"sv},
    {0, "\3757zXZ\0"sv, "is compressed with xz: unpack it first"sv},
    {0, "\x28\xb5\x2f\xfd"sv, "is compressed with zstd: unpack it first"sv},
    {0, "7z\xbc\xaf\x27\x1c"sv, "is a 7-Zip archive: unpack it first"sv},
    {0, "Rar!\x1a\x07"sv, "is a RAR archive: unpack it first"sv},
    {0, "%PDF"sv, "is a PDF document, not a checkpoint"sv},
    {0, "\x89PNG"sv, "is a PNG image, not a checkpoint"sv},
    {0, "\xff\xd8\xff"sv, "is a JPEG image, not a checkpoint"sv},
    {0, "\177ELF"sv, "is a program, not a checkpoint"sv},
    {0, "\0\0\0\0\0\0\0\0"sv, "begins with zeros: the download broke off or the disk lost it"sv},
}};

bool is_text(std::string_view start) {
  return std::all_of(start.begin(), start.end(),
                     [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; });
}

/// A protocol buffer of onnx.ModelProto: field 1 is a small version, field 2 the name of the producer, as
/// text.
bool is_onnx(std::string_view text) {
  return text.size() > 5 && text[0] == '\x08' && text[1] > 0 && text[1] < 32 && text[2] == '\x12' &&
         text[3] > 0 && text[3] < 64 && is_text(text.substr(4, static_cast<std::size_t>(text[3])));
}

}  // namespace

void refuse_unknown_format(Bytes file) {
  const std::string_view text = as_text(file);
  if (const std::string stray = describe_stray_content(std::as_bytes(file)); !stray.empty()) refuse(stray);
  for (const Signature& signature : kSignatures)
    if (text.size() > signature.position && text.substr(signature.position).starts_with(signature.bytes))
      refuse(std::string(signature.message));
  if (is_onnx(text)) refuse("is an ONNX model: only PyTorch and safetensors checkpoints can be read");
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && (text[first] == '{' || text[first] == '['))
    refuse("is JSON text and not a checkpoint of PyTorch or safetensors");
  if (const std::string_view beginning = text.substr(0, 40); is_text(beginning))
    refuse(fmt::format("is a text file that begins with \"{}\"",
                       beginning.substr(0, beginning.find_first_of("\t\r\n"))));
  refuse(fmt::format("is no checkpoint of PyTorch or safetensors ({} bytes that begin with {:02x})",
                     file.size(), fmt::join(file.first(std::min<std::size_t>(file.size(), 8)), " ")));
}

}  // namespace backdrop
