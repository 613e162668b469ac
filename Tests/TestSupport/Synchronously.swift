/// Calls `body`, which may make calls that the compiler rejects in asynchronous code.
///
/// `async` tests and the closures of exit tests are asynchronous code. The compiler does not check synchronous closures
/// in it.
@discardableResult
package func synchronously<Result>(_ body: () throws -> Result) rethrows -> Result { try body() }
