/// An error of the tests' own.
package struct Oops: Error, Hashable {
  package var number = 0

  package init(_ number: Int = 0) { self.number = number }
}
