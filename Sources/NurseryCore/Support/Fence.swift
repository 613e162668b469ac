import CSwitch
import Synchronization

/// A full barrier against other threads, if there are any.
@inline(__always)
func fullFence() {
  if !cs_is_only_thread() { atomicMemoryFence(ordering: .sequentiallyConsistent) }
}
