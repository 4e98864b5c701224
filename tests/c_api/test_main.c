/* Calls every function of the C interface: rightly, with NULL, with wrong sizes, and from eight threads. */
#include <stdio.h>
#include <string.h>

#include "check.h"

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(const char*);
  } parts[] = {{"model", test_model},
               {"refusals", test_refusals},
               {"session", test_session},
               {"search", test_search},
               {"threads", test_threads}};
  for (size_t i = 0; argc == 3 && i < sizeof parts / sizeof parts[0]; ++i) {
    if (strcmp(argv[1], parts[i].name) != 0) continue;
    parts[i].run(argv[2]);
    return 0;
  }
  fprintf(stderr, "usage: test_c_api PART CHECKPOINT\n");
  return 2;
}
