import CSwitch

extension PlainThread {
  /// Calls `body` as code of a plain thread, on the stack of the running fiber.
  ///
  /// A task may run in it: nothing that it calls finds the fiber, so nothing switches to another one inside of the task.
  /// A call that waits blocks the thread, as on one of the concurrency runtime's pool.
  static func onStack<Result>(of me: FiberRef, _ body: () -> Result) -> Result {
    let worker = me.pointee.worker
    let plain = register()
    plain.pointee.current.pointee.stack = me.pointee.stack
    defer {
      // The stack is not the thread's to give back.
      plain.pointee.current.pointee.stack = nil
      unregister(plain)
      cs_set_thread_pointer(worker)
    }
    return body()
  }
}
