/// Passes a value to another fiber although the compiler would reject it.
package struct Box<Value>: @unchecked Sendable {
  package let value: Value

  package init(_ value: Value) { self.value = value }
}
