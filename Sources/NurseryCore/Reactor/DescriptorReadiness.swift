/// The operation that commits when a read from the descriptor would not block: there is data, the end or an error.
///
/// For descriptors of your own. Regular files are always readable. Close such a descriptor with `closeDescriptor`, or
/// when no fiber or thread waits for it. Fails with `SystemError` for a descriptor that is not open, or has been closed
/// since the perform began.
public func readableOp(_ descriptor: Int32) -> Op<Void> { readinessOp(descriptor, .readable) }

/// The operation that commits when a write to the descriptor would not block, or would report an error.
///
/// For descriptors of your own. Regular files are always writable. Close such a descriptor with `closeDescriptor`, or
/// when no fiber or thread waits for it. Fails with `SystemError` for a descriptor that is not open, or has been closed
/// since the perform began.
public func writableOp(_ descriptor: Int32) -> Op<Void> { readinessOp(descriptor, .writable) }

/// Closes a descriptor of your own and wakes its waiters, whose operations fail.
///
/// Never blocks. A plain `close` would leave the waiters parked, because the kernel does not report it. Streams of this
/// library have `close()`.
public func closeDescriptor(_ descriptor: Int32) {
  guard DescriptorTable.holds(descriptor) else { return }
  let record = DescriptorTable.record(descriptor)
  _ = record.close(record.generation)
}

/// Polls with poll(2) and waits through the reactor, for the descriptor that has the number when the perform begins.
private func readinessOp(_ number: Int32, _ interest: Interest) -> Op<Void> {
  let isReadable = interest == .readable
  let action = "wait until descriptor \(number) is \(isReadable ? "readable" : "writable")"
  guard DescriptorTable.holds(number) else {
    return .failing(SystemError(code: System.badDescriptor, action: action))
  }
  return .guarded {
    let descriptor = Descriptor(borrowing: number)
    return descriptor.op(interest, as: isReadable ? "a descriptor to be readable" : "a descriptor to be writable") {
      let ready = descriptor.isClosed ? -1 : System.pollNow(number, interest)
      if ready < 0 { throw SystemError(code: System.badDescriptor, action: action) }
      return ready == 0 ? nil : ()
    }
  }
}
