# The fuzz targets: NAME.cpp reads the seeds in corpus/NAME. Readers of other folders than loaders/ and core/ are
# named, so that a target does not need all of the engine.
set(BACKDROP_FUZZ_TARGETS
  class_map image journal legacy_checkpoint npy_mask pickle run_json safetensors zip_checkpoint)
set(BACKDROP_FUZZ_SOURCES_journal
  search/journal.cpp search/run_identity.cpp search/work_plan.cpp)
set(BACKDROP_FUZZ_SOURCES_run_json
  engine/decision_writer.cpp kernels/decide.cpp
  report/chart.cpp report/class_name.cpp report/comparison_page.cpp report/html.cpp report/json_parts.cpp report/page_facts.cpp
  report/page_style.cpp report/published_tables.cpp report/run_json.cpp report/run_reader.cpp report/run_summary.cpp report/utf8.cpp
  search/estimate.cpp search/evaluation.cpp search/inputs.cpp search/journal.cpp search/result_folder.cpp search/run_identity.cpp
  search/statistics.cpp search/work_plan.cpp)
