import Nursery
import Testing

/// The rules of Swift's task-locals in fibers, each under every schedule of a small script.
struct TaskLocalRules {
  @TaskLocal private static var id = 0

  @Test func eachFiberHasItsOwnValuesOfTaskLocals() throws {
    try underEverySchedule {
      try withNursery { nursery in
        for number in 1...2 {
          nursery.goAsync {
            try Self.$id.withValue(number) {
              Fiber.yield()
              try hold(Self.id == number, "another fiber's")
            }
            try hold(Self.id == 0, "not restored")
          }
        }
        try hold(Self.id == 0, "a child's")
      }
    }
  }

  @Test func aChildBeginsWithItsSpawnersValuesOfTaskLocals() throws {
    try underEverySchedule {
      try withNursery { nursery in
        Self.$id.withValue(1) {
          nursery.goAsync {
            try hold(Self.id == 1, "not inherited")
            Self.$id.withValue(2) { _ = nursery.goAsync { try hold(Self.id == 2, "not inherited from a fiber") } }
            Fiber.yield()
            try hold(Self.id == 1, "changed")
          }
        }
        try Self.$id.withValue(3) {
          Fiber.yield()
          try hold(Self.id == 3, "changed")
        }
      }
    }
  }

  @Test func valuesOfTaskLocalsBelongToTheCoroutineThatBindsThem() throws {
    try underEverySchedule {
      try Self.$id.withValue(1) {
        var iterator = Generator<Int> { yielder in
          try yielder.yield(Self.id)
          try Self.$id.withValue(2) {
            goAsync { try hold(Self.id == 2, "a child inherits the coroutine's") }
            try yielder.yield(Self.id)
          }
          try yielder.yield(Self.id)
        }.makeIterator()
        try withNursery { _ in
          try hold(iterator.next() == 1, "what was bound at the first resume")
          try Self.$id.withValue(3) {
            try hold(iterator.next() == 2 && Self.id == 3, "the coroutine's binding is in force outside")
          }
          try hold(iterator.next() == 1 && iterator.next() == nil, "not what was captured")
        }
      }
    }
  }
}
