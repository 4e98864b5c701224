// Writers of small valid and almost valid files: photos, masks, checkpoints.
#include "files.h"

#include <jpeglib.h>
#include <unistd.h>
#include <zip.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;

namespace {

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string big_endian(std::uint32_t value) {
  const std::string reversed = little_endian(value, 4);
  return {reversed.rbegin(), reversed.rend()};
}

std::uint32_t crc32(const std::string& bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

std::string png_chunk(const std::string& type, const std::string& data) {
  return big_endian(static_cast<std::uint32_t>(data.size())) + type + data + big_endian(crc32(type + data));
}

// A zlib stream of stored blocks.
std::string deflate_stored(const std::string& data) {
  std::string stream = "\x78\x01";
  for (std::size_t first = 0; first < data.size(); first += 0xffff) {
    const std::string block = data.substr(first, 0xffff);
    stream += first + block.size() == data.size() ? '\1' : '\0';
    stream += little_endian(block.size(), 2) + little_endian(~block.size(), 2) + block;
  }
  std::uint32_t low = 1, high = 0;
  for (unsigned char byte : data) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return stream + big_endian(high << 16 | low);
}

std::string pickled_string(const std::string& text) {
  return "X" + little_endian(text.size(), 4) + text;
}

std::string pickled_int(std::uint32_t value) {
  return "J" + little_endian(value, 4);
}

std::string pickled_global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

}  // namespace

std::string read_bytes(const fs::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

void write_bytes(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void truncate_file(const fs::path& path, double share) {
  fs::resize_file(path, static_cast<std::uintmax_t>(share * static_cast<double>(fs::file_size(path))));
}

std::string jpeg(int height, int width, int channels) {
  jpeg_error_mgr errors;
  jpeg_compress_struct encoder;
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* encoded = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &encoded, &size);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.input_components = channels;
  encoder.in_color_space = channels == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  std::vector<unsigned char> row(static_cast<std::size_t>(width) * channels);
  for (int y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < row.size(); ++x) row[x] = static_cast<unsigned char>(x * 7 + y * 13);
    unsigned char* rows = row.data();
    jpeg_write_scanlines(&encoder, &rows, 1);
  }
  jpeg_finish_compress(&encoder);
  std::string bytes(reinterpret_cast<char*>(encoded), size);
  jpeg_destroy_compress(&encoder);
  std::free(encoded);
  return bytes;
}

std::string png16(int height, int width) {
  const std::string row = '\0' + std::string(static_cast<std::size_t>(width) * 2, '\x40');
  std::string rows;
  for (int y = 0; y < height; ++y) rows += row;
  const std::string header = big_endian(static_cast<std::uint32_t>(width)) +
                             big_endian(static_cast<std::uint32_t>(height)) + std::string("\x10\0\0\0\0", 5);
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + png_chunk("IDAT", deflate_stored(rows)) +
         png_chunk("IEND", "");
}

std::string npy(const std::string& dictionary, const std::string& data) {
  std::string header = dictionary;
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  return "\x93NUMPY" + std::string("\1\0", 2) + little_endian(header.size(), 2) + header + data;
}

std::string npy_mask(int height, int width) {
  std::string data(static_cast<std::size_t>(height) * width, '\0');
  for (int y = height / 4; y < height * 3 / 4; ++y) {
    for (int x = width / 4; x < width * 3 / 4; ++x) data[static_cast<std::size_t>(y) * width + x] = '\1';
  }
  return npy("{'descr': '|b1', 'fortran_order': False, 'shape': (" + std::to_string(height) + ", " +
                 std::to_string(width) + "), }",
             data);
}

std::string zip(const std::map<std::string, std::string>& entries) {
  const fs::path scratch = fs::temp_directory_path() / ("backdrop_zip_" + std::to_string(getpid()));
  zip_t* archive = zip_open(scratch.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, bytes] : entries) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  }
  zip_close(archive);
  std::string bytes = read_bytes(scratch);
  fs::remove(scratch);
  return bytes;
}

std::string pickled_tensor(std::uint32_t elements, std::uint32_t rows, std::uint32_t columns) {
  const std::string storage = "(" + pickled_string("storage") + pickled_global("torch", "FloatStorage") +
                              pickled_string("0") + pickled_string("cpu") + pickled_int(elements) + "tQ";
  const std::string tensor = pickled_global("torch._utils", "_rebuild_tensor_v2") + "(" + storage +
                             pickled_int(0) + pickled_int(rows) + pickled_int(columns) + "\x86" +
                             pickled_int(columns) + pickled_int(1) + "\x86" + "\x89" +
                             pickled_global("collections", "OrderedDict") + ")RtR";
  return "\x80\x02}" + pickled_string("weight") + tensor + "s.";
}

std::string hostile_pickle() {
  return "\x80\x02" + pickled_global("os", "system") + "(" + pickled_string("touch pwned") + "tR.";
}

std::string legacy_preamble() {
  const std::string magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  const std::string protocol = "\x80\x02M\xe9\x03.";
  const std::string system = "\x80\x02}(" + pickled_string("protocol_version") + pickled_int(1001) +
                             pickled_string("little_endian") + "\x88" + pickled_string("type_sizes") + "}u.";
  return magic + protocol + system;
}

std::string safetensors(const std::string& header, const std::string& data) {
  return little_endian(header.size(), 8) + header + data;
}
