import Harness
import Nursery

// Fair: the choice is fair (random start) as Go's `select` is; every sender is ready until its share has been taken.
// The choice is made once and performed often: operations are values here, where `select` is a statement.
let choices = [2, 8].map { count in
  Workload("choice-\(count)", workers: 1) {
    let messages = size(2_000_000)
    try chooseAmong(count, messages / 10)
    report("choice-\(count)", try nanoseconds(each: messages) { try chooseAmong(count, messages) }, "ns")
  }
}

func chooseAmong(_ count: Int, _ messages: Int) throws {
  try choose(messages, among: count) { $0.receiveOp() }
}

/// As most choices are written: the branches have values of different types, so each has a wrap.
func chooseAmongWrapped(_ count: Int, _ messages: Int) throws {
  try choose(messages, among: count) { $0.receiveOp().wrap { $0 } }
}

private func choose(_ messages: Int, among count: Int, _ branch: (Channel<Int>) -> Op<Int>) throws {
  let each = messages / count
  try withNursery { nursery in
    let channels = (0..<count).map { _ in Channel<Int>(.unbuffered) }
    for channel in channels {
      nursery.goAsync {
        for i in 0..<each { try channel.send(i) }
      }
    }
    let any = Op.choice(channels.map(branch))
    var sum = 0
    for _ in 0..<(each * count) { sum &+= try any.perform() }
    require(sum == count * each * (each - 1) / 2, "a message was lost")
  }
}
