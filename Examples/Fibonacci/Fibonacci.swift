import Nursery

/// Sends Fibonacci numbers until it is told to quit: a choice between sending and waiting for a signal.
@main
struct Fibonacci {
  static func main() throws {
    try withNursery { nursery in
      let numbers = Channel<Int>()
      let quit = Condition()

      nursery.goAsync("consumer") {
        for _ in 0..<10 { print(try numbers.receive()) }
        quit.signal()
      }

      var (current, next) = (0, 1)
      while try choose(numbers.sendOp(current).wrap { true }, quit.waitOp().wrap { false }) {
        (current, next) = (next, current + next)
      }
      print("quit")
    }
  }
}
