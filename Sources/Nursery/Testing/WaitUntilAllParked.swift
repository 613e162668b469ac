/// Lets every other fiber of the scheduler run until it waits for something; for tests.
///
/// Virtual time stands still meanwhile. Fibers that never wait keep this call from returning. Not a cancellation point.
public func waitUntilAllParked() { Performer.waitUntilOthersAreParked() }
