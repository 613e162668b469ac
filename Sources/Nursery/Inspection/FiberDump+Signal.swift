extension FiberDump {
  /// Writes the dump of all fibers to standard error whenever this signal arrives, for the rest of the process's life.
  ///
  ///     try FiberDump.writeOnSignal(.quit)   // Control-\, or kill -QUIT
  ///
  /// A thread of its own waits for the signal, so the dump is written also when every worker computes. The signal does
  /// nothing else from now on. Later calls add signals.
  ///
  /// - Throws: `SystemError` if the signal cannot be caught, or if there is no descriptor or thread left.
  public static func writeOnSignal(_ signal: Signal) throws {
    try SignalWatch.start(signal.rawValue) { System.writeToStandardError(all().description) }
  }
}
