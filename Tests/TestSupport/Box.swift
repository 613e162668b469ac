/// Hands a value to another fiber that the compiler would not let pass.
package struct Box<Value>: @unchecked Sendable {
  package let value: Value

  package init(_ value: Value) { self.value = value }
}
