extension LintReports {
  /// Those of the run whose thread calls, or of the process.
  static var current: LintReports { of(Worker.ofThisThreadIfAny) }

  /// Those of the performer's run, or of the process.
  static func of(_ performer: FiberRef) -> LintReports { of(performer.pointee.worker) }

  private static func of(_ worker: WorkerRef?) -> LintReports {
    worker?.pointee.scheduler?._withUnsafeGuaranteedRef { $0.settings.lints } ?? ofProcess
  }
}
