/// Lets every other fiber of the scheduler run until it waits; for tests.
///
/// Virtual time stands still meanwhile. Fibers that never wait keep this call from returning. Not a cancellation point.
@available(*, noasync, message: "it blocks its thread; call it in a function that is not async")
public func waitUntilAllParked() { Performer.waitUntilOthersAreParked() }
