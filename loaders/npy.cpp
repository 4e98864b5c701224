// numpy's .npy files. A file is the magic "\x93NUMPY", two version bytes, the length of the header (16 bits
// in version 1, 32 bits in versions 2 and 3, little-endian) and the header: a Python dict literal with the
// keys 'descr', 'fortran_order' and 'shape'. numpy evaluates that literal; here a reader of exactly this
// grammar parses it, so that nothing else is accepted.
#include "loaders/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include "backdrop/error.h"
#include "loaders/checkpoint_bytes.h"
#include "loaders/file.h"

namespace backdrop {

static_assert(std::endian::native == std::endian::little,
              "npy_type() names the types of a little-endian machine");

namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 64 * 1024;
constexpr std::size_t kMaxDimensions = 32;  // numpy's own limit

/// Reads the dict literal of a header, key by key.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  NpyHeader read() {
    std::optional<std::string> type;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::size_t>> shape;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !type) {
        if (peek() == '[') refuse(file_, "holds a structured array; a plain one is needed");
        type = quoted();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = tuple();
      } else {
        refuse(file_,
               fmt::format("has an unexpected or repeated key '{}' in its .npy header", printable(key)));
      }
      if (!accept(',') && peek() != '}') malformed();
    }
    if (peek() != '\0' || position_ < text_.size()) malformed();
    if (!type) missing("descr");
    if (!fortran_order) missing("fortran_order");
    if (!shape) missing("shape");
    return {.type = *type, .fortran_order = *fortran_order, .shape = *shape};
  }

 private:
  [[noreturn]] void missing(std::string_view key) const {
    refuse(file_, fmt::format("lacks '{}' in its .npy header", key));
  }

  [[noreturn]] void malformed() const {
    refuse(file_, fmt::format("has a malformed .npy header near '{}'",
                              printable(text_.substr(std::min(position_, text_.size())))));
  }

  /// The next character that is not white space, '\0' at the end.
  char peek() {
    while (position_ < text_.size() && std::strchr(" \t\r\n", text_[position_]) && text_[position_] != '\0')
      ++position_;
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  bool accept(char wanted) {
    if (peek() != wanted) return false;
    ++position_;
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) malformed();
  }

  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') malformed();
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) malformed();
    const std::string_view content = text_.substr(position_ + 1, end - position_ - 1);
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '\\'; };
    if (!std::ranges::all_of(content, is_plain)) malformed();
    position_ = end + 1;
    return std::string(content);
  }

  bool boolean() {
    peek();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(position_).starts_with(word)) {
        position_ += word.size();
        return value;
      }
    }
    malformed();
  }

  std::size_t integer() {
    const char first = peek();
    if (first < '0' || first > '9') malformed();
    std::size_t value = 0;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      const auto digit = static_cast<std::size_t>(text_[position_] - '0');
      if (value > (std::numeric_limits<std::size_t>::max() - digit) / 10)
        refuse(file_, "has a dimension in its .npy header that no memory can hold");
      value = value * 10 + digit;
      ++position_;
    }
    if (position_ < text_.size() && text_[position_] == 'L')
      ++position_;  // as Python 2 wrote its long integers
    return value;
  }

  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> values;
    expect('(');
    while (!accept(')')) {
      if (values.size() == kMaxDimensions) refuse(file_, "has too many dimensions");
      values.push_back(integer());
      const bool comma = accept(',');
      if (!comma && (peek() != ')' || values.size() == 1)) malformed();
    }
    return values;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t position_ = 0;
};

/// Bytes of one value of a type string such as "<f4"; refuses Python objects, strings, dates and records.
std::size_t item_bytes(const std::string& type, const std::string& file) {
  static constexpr std::string_view known[] = {"b1", "i1", "i2", "i4", "i8", "u1",
                                               "u2", "u4", "u8", "f2", "f4", "f8"};
  if (type.size() == 3 && std::strchr("<>=|", type[0]))
    for (const std::string_view name : known)
      if (type.substr(1) == name && (name[1] == '1' || type[0] != '|'))
        return static_cast<std::size_t>(name[1] - '0');
  if (type.find('O') != std::string::npos)
    refuse(file, "holds Python objects, which are never read; save the array with a numeric type");
  refuse(file, fmt::format("holds values of type '{}'; bool, integers and float16 to float64 can be read",
                           type.substr(0, 20)));
}

std::size_t read_little_endian(std::span<const std::byte> bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::size_t>(bytes[i]);
  return value;
}

std::size_t checked_count(const NpyHeader& header, const std::string& file) {
  std::size_t count = 1;
  for (const std::size_t extent : header.shape) {
    if (extent != 0 && count > std::numeric_limits<std::size_t>::max() / header.item_bytes / extent)
      refuse(file, "has a shape in its .npy header that no memory can hold");
    count *= extent;
  }
  return count;
}

}  // namespace

void require_npy_type(const NpyHeader& header, std::string_view type, const std::string& file) {
  if (header.type != type || header.fortran_order)
    refuse(file, fmt::format("holds '{}' values in {} order where '{}' in C order was expected", header.type,
                             header.fortran_order ? "Fortran" : "C", type));
}

std::string npy_header(std::string_view type, std::span<const std::size_t> shape) {
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (", type);
  for (const std::size_t extent : shape) dict += fmt::format("{}, ", extent);
  if (shape.size() > 1) dict.resize(dict.size() - 2);
  if (shape.size() == 1) dict.pop_back();
  dict += "), }";
  const std::size_t preamble = kNpyMagic.size() + 4;
  const std::size_t unpadded = preamble + dict.size() + 1;
  dict.append((kNpyAlignment - unpadded % kNpyAlignment) % kNpyAlignment, ' ');
  dict += '\n';

  std::string header(kNpyMagic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(dict.size() & 0xFF);
  header += static_cast<char>(dict.size() >> 8);
  return header + dict;
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kNpyMagic)) refuse(file, "is not a .npy file (it does not start with \\x93NUMPY)");
  if (text.size() < kNpyMagic.size() + 2) refuse(file, "ends inside its .npy header");
  const auto version = static_cast<unsigned char>(text[kNpyMagic.size()]);
  if (version < 1 || version > 3)
    refuse(file, fmt::format("has .npy version {}; 1 to 3 can be read", version));

  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const std::size_t start = kNpyMagic.size() + 2 + length_bytes;
  if (text.size() < start) refuse(file, "ends inside its .npy header");
  const std::size_t length = read_little_endian(bytes.subspan(kNpyMagic.size() + 2, length_bytes));
  if (length > kMaxHeader) refuse(file, fmt::format("claims a .npy header of {} bytes", length));
  if (text.size() - start < length) refuse(file, "ends inside its .npy header");

  NpyHeader header = HeaderReader(text.substr(start, length), file).read();
  header.item_bytes = item_bytes(header.type, file);
  header.count = checked_count(header, file);
  header.data_offset = start + length;
  return header;
}

NpyView parse_npy(std::span<const std::byte> bytes, const std::string& file) {
  NpyHeader header = parse_npy_header(bytes, file);
  const std::span<const std::byte> data = bytes.subspan(header.data_offset);
  const std::size_t needed = header.count * header.item_bytes;
  if (data.size() != needed)
    refuse(file, fmt::format("holds {} bytes of values where its shape needs {}: it is {}", data.size(),
                             needed, data.size() < needed ? "cut short" : "longer than one array"));
  return {std::move(header), data};
}

void write_npy_bytes(const std::filesystem::path& path, std::string_view type,
                     std::span<const std::size_t> shape, std::span<const std::byte> values) {
  const std::string header = npy_header(type, shape);
  const NpyHeader parsed = parse_npy_header(std::as_bytes(std::span(header)), path.string());
  if (parsed.count * parsed.item_bytes != values.size())
    throw Error(ErrorCode::failed, fmt::format("shape and values do not match ({} bytes)", values.size()),
                path.string());
  const auto start = std::as_bytes(std::span(header));
  std::vector<std::byte> bytes(start.begin(), start.end());
  bytes.insert(bytes.end(), values.begin(), values.end());
  write_file(path, bytes);
}

}  // namespace backdrop
