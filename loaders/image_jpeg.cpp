// JPEG through libjpeg-turbo.
//
// The library reports errors by a callback that must not return. The callbacks here longjmp back to the one
// function that called into the library; every object with a destructor lives outside of those functions, so
// a jump leaks nothing. Nothing is ever printed.
#include "loaders/image_jpeg.h"

#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include "backdrop/error.h"

// jpeglib.h needs FILE declared, and jerror.h the configuration that jpeglib.h brings.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

namespace backdrop {

namespace {

// A progressive file can repeat tiny scans over a huge picture to keep a decoder busy for hours; real ones
// have about ten.
constexpr int kMaxScans = 100;

struct ErrorState {
  jpeg_error_mgr manager;  // first, so that the library's pointer to it is a pointer to the whole
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void on_error(j_common_ptr info) {
  auto* state = reinterpret_cast<ErrorState*>(info->err);
  info->err->format_message(info, state->message);
  std::longjmp(state->jump, 1);
}

/// Warnings about lost data end the decoding, the others (an odd version number, bytes between markers) do
/// not.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
#ifdef D_ARITH_CODING_SUPPORTED
    case JWRN_ARITH_BAD_CODE:
#endif
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_TOO_MUCH_DATA:
      on_error(info);
    default:
      return;
  }
}

void print_nothing(j_common_ptr) {}

jpeg_error_mgr* install(ErrorState& state) {
  jpeg_std_error(&state.manager);
  state.manager.error_exit = on_error;
  state.manager.emit_message = on_message;
  state.manager.output_message = print_nothing;
  return &state.manager;
}

/// A decompressor with its destruction; members are plain, for longjmp.
struct Decoder {
  ErrorState error{};
  jpeg_decompress_struct info{};
  jpeg_progress_mgr progress{};

  Decoder() = default;
  ~Decoder() { jpeg_destroy_decompress(&info); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
};

void limit_scans(j_common_ptr info) {
  const auto* decompressor = reinterpret_cast<j_decompress_ptr>(info);
  if (decompressor->input_scan_number <= kMaxScans) return;
  auto* state = reinterpret_cast<ErrorState*>(info->err);
  std::snprintf(state->message, sizeof state->message, "more than %d scans", kMaxScans);
  std::longjmp(state->jump, 1);
}

bool read_header(Decoder& decoder, std::span<const std::byte> bytes) {
  decoder.info.err = install(decoder.error);
  if (setjmp(decoder.error.jump) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  decoder.progress.progress_monitor = limit_scans;
  decoder.info.progress = &decoder.progress;
  jpeg_mem_src(&decoder.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&decoder.info, TRUE);
  return true;
}

bool read_pixels(Decoder& decoder, std::uint8_t* pixels) {
  if (setjmp(decoder.error.jump) != 0) return false;
  decoder.info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&decoder.info);
  const std::size_t row_bytes = std::size_t{decoder.info.output_width} * 3;
  while (decoder.info.output_scanline < decoder.info.output_height) {
    JSAMPROW row = pixels + decoder.info.output_scanline * row_bytes;
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  jpeg_finish_decompress(&decoder.info);
  return true;
}

void check_header(const jpeg_decompress_struct& info, const std::string& file, int largest) {
  if (info.image_width > static_cast<unsigned>(largest) || info.image_height > static_cast<unsigned>(largest))
    throw Error(ErrorCode::bad_input,
                fmt::format("is {}x{} pixels; at most {}x{} are decoded", info.image_width, info.image_height,
                            largest, largest),
                file);
  if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK)
    throw Error(ErrorCode::bad_input,
                fmt::format("is a {} JPEG (four inks, for print); convert it to RGB and save it again",
                            info.jpeg_color_space == JCS_CMYK ? "CMYK" : "YCCK"),
                file);
  if (info.num_components != 1 && info.num_components != 3)
    throw Error(
        ErrorCode::bad_input,
        fmt::format("is a JPEG with {} colour components; grey and RGB can be read", info.num_components),
        file);
}

struct Encoder {
  ErrorState error{};
  jpeg_compress_struct info{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;

  Encoder() = default;
  ~Encoder() {
    jpeg_destroy_compress(&info);
    std::free(buffer);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
};

bool write_pixels(Encoder& encoder, const Image& image, int quality) {
  encoder.info.err = install(encoder.error);
  if (setjmp(encoder.error.jump) != 0) return false;
  jpeg_create_compress(&encoder.info);
  jpeg_mem_dest(&encoder.info, &encoder.buffer, &encoder.size);
  encoder.info.image_width = static_cast<JDIMENSION>(image.width);
  encoder.info.image_height = static_cast<JDIMENSION>(image.height);
  encoder.info.input_components = 3;
  encoder.info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder.info);
  jpeg_set_quality(&encoder.info, quality, TRUE);
  jpeg_start_compress(&encoder.info, TRUE);
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
  while (encoder.info.next_scanline < encoder.info.image_height) {
    auto* row = const_cast<JSAMPROW>(image.pixels.data() + encoder.info.next_scanline * row_bytes);
    jpeg_write_scanlines(&encoder.info, &row, 1);
  }
  jpeg_finish_compress(&encoder.info);
  return true;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& file, int largest) {
  Decoder decoder;
  const auto damaged = [&] {
    return Error(ErrorCode::bad_input, fmt::format("is a damaged JPEG: {}", decoder.error.message), file);
  };
  if (!read_header(decoder, bytes)) throw damaged();
  check_header(decoder.info, file, largest);

  Image image{.height = static_cast<int>(decoder.info.image_height),
              .width = static_cast<int>(decoder.info.image_width),
              .pixels = {}};
  image.pixels.resize(static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) * 3);
  if (!read_pixels(decoder, image.pixels.data())) throw damaged();
  return image;
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  Encoder encoder;
  if (!write_pixels(encoder, image, quality)) {
    encoder.buffer = nullptr;  // where memory ended, the library has freed it and grown another
    throw Error(ErrorCode::failed, fmt::format("JPEG encoding failed: {}", encoder.error.message));
  }
  const auto* begin = reinterpret_cast<const std::byte*>(encoder.buffer);
  return {begin, begin + encoder.size};
}

}  // namespace backdrop
