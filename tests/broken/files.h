/// \file
/// Writers of small valid and almost valid files: photos, masks, checkpoints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

std::string read_bytes(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, const std::string& bytes);

/// Keeps the first `share` of a file.
void truncate_file(const std::filesystem::path& path, double share);

/// A JPEG with three channels, or with four (CMYK).
std::string jpeg(int height, int width, int channels = 3);

/// A grey PNG of 16 bits a value.
std::string png16(int height, int width);

/// An .npy file of format version 1 with this header dictionary and these data bytes.
std::string npy(const std::string& dictionary, const std::string& data);

/// A mask: ones in the middle quarter.
std::string npy_mask(int height, int width);

/// A stored zip archive.
std::string zip(const std::map<std::string, std::string>& entries);

/// The pickle of {"weight": float32 tensor [rows][columns]} whose storage claims `elements` values.
std::string pickled_tensor(std::uint32_t elements, std::uint32_t rows, std::uint32_t columns);

/// A pickle that would run a shell command when read by Python.
std::string hostile_pickle();

/// What the legacy format of torch.save has before its first pickle of content.
std::string legacy_preamble();

/// A safetensors file: header text and data as given, the length of the header in front.
std::string safetensors(const std::string& header, const std::string& data);
