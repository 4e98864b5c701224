/// \file
/// The opcodes of Python's pickles (Lib/pickle.py), those that are refused included: they are refused by
/// name.
#pragma once

#include <cstdint>
#include <string>

namespace backdrop {

enum class Opcode : std::uint8_t {
  mark = '(',
  stop = '.',
  pop = '0',
  pop_mark = '1',
  none = 'N',
  binint = 'J',
  binint1 = 'K',
  binint2 = 'M',
  binfloat = 'G',
  binstring = 'T',
  short_binstring = 'U',
  binunicode = 'X',
  binbytes = 'B',
  short_binbytes = 'C',
  global = 'c',
  reduce = 'R',
  build = 'b',
  binpersid = 'Q',
  binget = 'h',
  long_binget = 'j',
  binput = 'q',
  long_binput = 'r',
  empty_tuple = ')',
  tuple = 't',
  empty_list = ']',
  append = 'a',
  appends = 'e',
  empty_dict = '}',
  setitem = 's',
  setitems = 'u',
  proto = 0x80,
  newobj = 0x81,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  newtrue = 0x88,
  newfalse = 0x89,
  long1 = 0x8a,
  long4 = 0x8b,
  short_binunicode = 0x8c,
  binunicode8 = 0x8d,
  binbytes8 = 0x8e,
  empty_set = 0x8f,
  additems = 0x90,
  frozenset = 0x91,
  newobj_ex = 0x92,
  stack_global = 0x93,
  memoize = 0x94,
  frame = 0x95,
  bytearray8 = 0x96,
};

/// Python's name of an opcode ("INST"), its number in hex if it is none.
std::string opcode_name(Opcode opcode);

}  // namespace backdrop
