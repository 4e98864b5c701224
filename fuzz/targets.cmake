# The fuzz targets: NAME.cpp reads the seeds in corpus/NAME.
set(BACKDROP_FUZZ_TARGETS
  class_map image legacy_checkpoint npy_mask pickle safetensors zip_checkpoint)
