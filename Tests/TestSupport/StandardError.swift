import Testing

/// The text that an exit test's process wrote to standard error.
package func standardError(_ result: ExitTest.Result?) -> String {
  String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
}
