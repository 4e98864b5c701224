// Photos: pixels as PIL reads them, and refusals of everything that is not a sound photo.
#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/hash.h"
#include "loaders/demo_random.h"
#include "loaders/image.h"
#include "loaders/image_jpeg.h"
#include "tests/loaders/refusal.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using test::bytes_of;
using test::refusal;
using ::testing::HasSubstr;
using testing::read_text;
using testing::TemporaryFolder;

namespace fs = std::filesystem;

const fs::path kData = fs::path(BACKDROP_SOURCE_DIR) / "tests/loaders/data";

std::string pixel_hash(const Image& image) {
  Sha256 hash;
  hash.update(image.pixels.data(), image.pixels.size());
  return hash.hex();
}

/// Compares photos with lines of "name width height sha256"; returns how many there were.
int expect_pixels(const fs::path& folder, std::istream& lines) {
  int count = 0;
  std::string name, hash;
  int width = 0, height = 0;
  for (; lines >> name >> width >> height >> hash; ++count) {
    const Image image = read_image(folder / name);
    EXPECT_EQ(image.width, width) << name;
    EXPECT_EQ(image.height, height) << name;
    EXPECT_EQ(pixel_hash(image), hash) << name;
  }
  return count;
}

TEST(Image, PixelsEqualPilsToTheBit) {
  std::ifstream golden(kData / "golden.txt");
  EXPECT_EQ(expect_pixels(kData, golden), 17);
}

TEST(Image, PixelsOfPhotosEqualPilsToTheBit) {
  const char* shared = std::getenv("BACKDROP_SHARED");
  const fs::path archive =
      (shared ? fs::path(shared) : fs::path(BACKDROP_SOURCE_DIR) / "../shared") / "data/mini-in9.tar.gz";
  if (!fs::exists(archive)) GTEST_SKIP() << "no photos: " << archive << " is absent";
  if (std::system("/usr/bin/python3 -c 'import PIL' 2>/dev/null") != 0)
    GTEST_SKIP() << "python3-pil is not installed";

  const TemporaryFolder folder;
  const std::string script = (fs::path(BACKDROP_SOURCE_DIR) / "tests/loaders/photos_by_pil.py").string();
  const std::string list = (folder.path / "list.txt").string();
  const std::string command = "/usr/bin/python3 '" + script + "' '" + archive.string() + "' '" +
                              folder.path.string() + "' 40 > '" + list + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream lines(list);
  EXPECT_GT(expect_pixels(folder.path, lines), 20);
}

TEST(Image, FormatIsToldByContentNotByName) {
  const TemporaryFolder folder;
  const fs::path path = folder.write("photo.JPEG", read_text(kData / "rgb.png"));
  EXPECT_EQ(pixel_hash(read_image(path)), pixel_hash(read_image(kData / "rgb.png")));
}

struct Broken {
  const char* name;
  std::string content;
  const char* reason;
};

TEST(Image, RefusesWhatIsNotAPhotoAndSaysWhatItIs) {
  std::string huge = read_text(kData / "rgb_444.jpg");
  const std::size_t frame = huge.find("\xFF\xC0");
  huge.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");
  std::string huge_png = read_text(kData / "rgb.png");
  huge_png[18] = '\x7F';
  // IHDR of 20000 x 20000, IEND.
  const std::string vast_png(
      "\x89PNG\r\n\x1A\n\000\000\000\015\111\110\104\122\000\000\116\040\000\000\116\040\010\002\000\000\000"
      "\154\022\321\156\000\000\000\000\111\105\116\104\256\102\140\202",
      45);
  std::string damaged_png = read_text(kData / "rgb.png");
  damaged_png[damaged_png.size() - 30] ^= 1;
  const std::string png = read_text(kData / "rgb.png");
  const std::string bmp = read_text(kData / "rgb.bmp");
  const Broken table[] = {
      {"empty", "", "is empty"},
      {"html", "\n<!DOCTYPE html><html>", "is an HTML or XML page"},
      {"lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:0", "git-LFS pointer"},
      {"text", "hello", "not an image in a known format"},
      {"gif", "GIF89a......", "is a GIF; convert it"},
      {"webp", "RIFF....WEBPVP8 ", "is a WebP"},
      {"tiff", std::string("II*\0....", 8), "is a TIFF"},
      {"npy", "\x93NUMPY", "is a .npy array"},
      {"cmyk", read_text(kData / "cmyk.jpg"), "CMYK JPEG"},
      {"sixteen bit", read_text(kData / "sixteen_bit.png"), "16 bits a channel"},
      {"huge jpeg", huge, "at most 16384x16384"},
      {"huge png", huge_png, "does not match its CRC"},
      {"vast png", vast_png, "is 20000x20000 pixels"},
      {"damaged png", damaged_png, "does not match its CRC"},
      {"cut png", png.substr(0, png.size() - 20), "cut short"},
      {"cut bmp", bmp.substr(0, bmp.size() - 1), "cut short"},
      {"jpeg magic alone", "\xFF\xD8\xFF", "damaged JPEG"},
      {"png magic alone", "\x89PNG\r\n\x1A\n", "cut short"},
      {"bmp magic alone", "BM", "damaged image"},
      {"pnm", "P6 20 20 255\nabc", "is a PNM image"},
  };
  for (const Broken& broken : table) {
    const std::string message = refusal([&] { decode_image(bytes_of(broken.content), "photo.JPEG"); });
    EXPECT_THAT(message, HasSubstr("photo.JPEG: ")) << broken.name;
    EXPECT_THAT(message, HasSubstr(broken.reason)) << broken.name;
  }
}

TEST(Image, ABmpMayRunFromTheTopDown) {
  std::string bmp = read_text(kData / "rgb.bmp");
  const Image upwards = decode_image(bytes_of(bmp), "rgb.bmp");
  const std::int32_t height = -upwards.height;
  std::memcpy(bmp.data() + 22, &height, sizeof height);
  const Image downwards = decode_image(bytes_of(bmp), "rgb.bmp");
  ASSERT_EQ(downwards.height, upwards.height);
  ASSERT_EQ(downwards.width, upwards.width);
  const std::ptrdiff_t row = 3 * upwards.width;
  for (int y = 0; y < upwards.height; ++y)
    EXPECT_TRUE(std::equal(upwards.pixels.begin() + y * row, upwards.pixels.begin() + (y + 1) * row,
                           downwards.pixels.begin() + (upwards.height - 1 - y) * row));
}

TEST(Image, RefusesPathsThatAreNotFiles) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal([&] { read_image(folder.path / "absent.JPEG"); }), HasSubstr("no such file"));
  EXPECT_THAT(refusal([&] { read_image(folder.path); }), HasSubstr("is a folder"));
  EXPECT_THAT(refusal([&] { read_image("/dev/zero"); }), HasSubstr("not a regular file"));
  fs::create_symlink("loop.JPEG", folder.path / "loop.JPEG");
  EXPECT_THAT(refusal([&] { read_image(folder.path / "loop.JPEG"); }), HasSubstr("cannot be read"));
}

TEST(Image, RefusesEveryCutOfAFile) {
  for (const char* name :
       {"rgb_420.jpg", "progressive_444.jpg", "grey.jpg", "rgb.png", "palette.png", "rgb.bmp"}) {
    const std::string whole = read_text(kData / name);
    for (std::size_t length = 0; length < whole.size(); length += 1 + length / 64)
      EXPECT_THROW(decode_image(bytes_of(whole.substr(0, length)), name), Error)
          << name << " cut at " << length;
  }
}

TEST(Image, SurvivesRandomDamage) {
  demo::Random random(1, 1);
  for (const char* name : {"rgb_420.jpg", "progressive_420.jpg", "grey.jpg", "palette.png", "rgb.bmp"}) {
    const std::string whole = read_text(kData / name);
    for (int trial = 0; trial < 300; ++trial) {
      std::string damaged = whole;
      for (int flip = 0; flip < 3; ++flip)
        damaged[static_cast<std::size_t>(random.below(static_cast<int>(damaged.size())))] =
            static_cast<char>(random.next());
      try {
        const Image image = decode_image(bytes_of(damaged), name);
        EXPECT_EQ(image.pixels.size(),
                  static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) * 3);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::bad_input);
      }
    }
  }
}

TEST(Image, ReadsManyInOrder) {
  ThreadPool pool(3);
  std::vector<fs::path> paths;
  for (int i = 0; i < 20; ++i) paths.push_back(kData / (i % 2 ? "rgb_420.jpg" : "progressive_444.jpg"));
  const TemporaryFolder folder;
  Image square{.height = 32, .width = 32, .pixels = std::vector<std::uint8_t>(32 * 32 * 3, 90)};
  std::vector<fs::path> squares;
  for (int i = 0; i < 20; ++i) {
    square.pixels.assign(square.pixels.size(), static_cast<std::uint8_t>(10 * i));
    const auto jpeg = encode_jpeg(square, 95);
    squares.push_back(
        folder.write(std::to_string(i) + ".JPEG", {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()}));
  }
  const std::vector<Image> images = read_images(squares, pool, 32);
  ASSERT_EQ(images.size(), squares.size());
  for (int i = 0; i < 20; ++i) EXPECT_NEAR(images[static_cast<std::size_t>(i)].pixels[0], 10 * i, 1);

  const std::string message = refusal([&] { read_images(paths, pool); });
  EXPECT_THAT(
      message,
      HasSubstr("is 37x29 pixels where 224x224 are needed: IN-9 images are 224x224 and are not resized"));
  EXPECT_TRUE(read_images({}, pool).empty());
}

}  // namespace
}  // namespace backdrop
