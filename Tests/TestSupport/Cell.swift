/// A variable that fibers use one at a time.
package final class Cell<Value>: @unchecked Sendable {
  package var value: Value

  package init(_ value: Value) {
    self.value = value
  }
}
