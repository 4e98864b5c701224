/* A tree as IN-9's release has it: nine classes with one photo each, masks for the first two. The photos are
 * BMP behind the release's names, which Backdrop does not mind: it goes by the bytes. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

enum { kTreeSide = kSide, kTreePixels = kTreeSide * kTreeSide, kMasks = 2 };
enum { kBmpHeader = 54, kBmpBytes = kBmpHeader + 3 * kTreePixels };
enum { kNpyHeader = 128, kNpyBytes = kNpyHeader + kTreePixels };

static void put32(uint8_t* bytes, uint32_t number) {
  for (int i = 0; i < 4; ++i) bytes[i] = (uint8_t)(number >> (8 * i));
}

/* All of one grey. */
static void make_bmp(uint8_t* bytes, uint8_t grey) {
  memset(bytes, 0, kBmpHeader);
  memcpy(bytes, "BM", 2);
  put32(bytes + 2, kBmpBytes);
  put32(bytes + 10, kBmpHeader);
  put32(bytes + 14, 40); /* of the second header */
  put32(bytes + 18, kTreeSide);
  put32(bytes + 22, kTreeSide);
  bytes[26] = 1;  /* plane */
  bytes[28] = 24; /* bits a pixel */
  memset(bytes + kBmpHeader, grey, 3 * kTreePixels);
}

/* The upper half shows. */
static void make_npy(uint8_t* bytes) {
  memset(bytes, ' ', kNpyHeader);
  memcpy(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
  const int length =
      snprintf((char*)bytes + 10, kNpyHeader - 10,
               "{'descr': '|b1', 'fortran_order': False, 'shape': (%d, %d), }", kTreeSide, kTreeSide);
  bytes[10 + length] = ' ';
  bytes[kNpyHeader - 1] = '\n';
  memset(bytes + kNpyHeader, 1, kTreePixels / 2);
  memset(bytes + kNpyHeader + kTreePixels / 2, 0, kTreePixels / 2);
}

static void write_file(const char* folder, const char* name, const uint8_t* bytes, size_t count) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE* file = fopen(path, "wb");
  CHECK(file != NULL && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
}

static void make_folder(const char* path) {
  CHECK(mkdir(path, 0700) == 0);
}

void write_release_tree(char* root) {
  CHECK(mkdtemp(root) != NULL);
  static const char* const parts[] = {"original", "only_bg_t", "fg_mask"};
  char folder[256];
  uint8_t photo[kBmpBytes];
  uint8_t mask[kNpyBytes];
  make_npy(mask);
  for (int part = 0; part < 3; ++part) {
    snprintf(folder, sizeof folder, "%s/%s", root, parts[part]);
    make_folder(folder);
    snprintf(folder, sizeof folder, "%s/%s/val", root, parts[part]);
    make_folder(folder);
    for (int label = 0; label < (part == 2 ? kMasks : kClasses); ++label) {
      snprintf(folder, sizeof folder, "%s/%s/val/%02d_class", root, parts[part], label);
      make_folder(folder);
      make_bmp(photo, (uint8_t)(part == 0 ? 255 : label));
      if (part == 2)
        write_file(folder, "photo.npy", mask, sizeof mask);
      else
        write_file(folder, "photo.JPEG", photo, sizeof photo);
    }
  }
}

static int remove_one(const char* path, const struct stat* status, int type, struct FTW* place) {
  (void)status, (void)type, (void)place;
  return remove(path);
}

void remove_release_tree(const char* root) {
  CHECK(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}
