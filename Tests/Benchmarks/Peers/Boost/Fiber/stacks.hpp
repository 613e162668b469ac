// Stacks for very many fibers.
//
// The library's guarded stacks take two mappings each, and Linux allows a process 65530 of them; so these come from the
// heap, without a guard. A pool would touch one more page of each, for its list of what is free. Half the size would do
// for all but the process's first fiber; what is not touched costs nothing.
#ifndef STACKS_HPP
#define STACKS_HPP

#include "workload.hpp"

template <typename Body>
fibers::fiber start_small(Body body) {
  fibers::fixedsize_stack stacks{16 * 1024};
  return fibers::fiber(fibers::launch::post, std::allocator_arg, stacks, std::move(body));
}

#endif
