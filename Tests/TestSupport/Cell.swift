/// A variable that fibers hand to each other, one at a time.
package final class Cell<Value>: @unchecked Sendable {
  package var value: Value

  package init(_ value: Value) {
    self.value = value
  }
}
