#include "loaders/pickle_opcodes.h"

#include <fmt/format.h>

namespace backdrop {

std::string opcode_name(Opcode opcode) {
  // Only those that the reader refuses are ever asked for.
  const auto byte = static_cast<std::uint8_t>(opcode);
  switch (byte) {
    case '2':
      return "DUP";
    case 'F':
      return "FLOAT";
    case 'I':
      return "INT";
    case 'L':
      return "LONG";
    case 'P':
      return "PERSID";
    case 'S':
      return "STRING";
    case 'V':
      return "UNICODE";
    case 'd':
      return "DICT";
    case 'g':
      return "GET";
    case 'i':
      return "INST";
    case 'l':
      return "LIST";
    case 'o':
      return "OBJ";
    case 'p':
      return "PUT";
    case 0x80:
      return "PROTO";
    case 0x82:
      return "EXT1";
    case 0x83:
      return "EXT2";
    case 0x84:
      return "EXT4";
    case 0x97:
      return "NEXT_BUFFER";
    case 0x98:
      return "READONLY_BUFFER";
    default:
      return fmt::format("{:#04x}", byte);
  }
}

}  // namespace backdrop
