// Boost.Fiber's side of the comparison: `list` prints the workloads, a name times one.
//
// Fair: the library's default scheduler, round robin on one thread. Its own locks stay in, since the library as it is
// installed has them; so have ours. What Boost.Fiber has no words for is missing: choice, cancellation, semaphores.
#include "workload.hpp"

#include <map>

static std::map<std::string, void (*)()> &workloads() {
  static std::map<std::string, void (*)()> all;
  return all;
}

Workload::Workload(const char *name, void (*run)()) { workloads()[name] = run; }

int main(int count, char **arguments) {
  std::string word = count == 2 ? arguments[1] : "";
  if (word == "list") {
    for (auto &workload : workloads()) printf("%s\t1\n", workload.first.c_str());
    return 0;
  }
  auto found = workloads().find(word);
  if (found == workloads().end()) {
    fprintf(stderr, "usage: %s list | WORKLOAD\n", arguments[0]);
    return 2;
  }
  found->second();
}
