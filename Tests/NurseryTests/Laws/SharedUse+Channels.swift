import Nursery

extension SharedUse {
  static let channels =
    [Channel<Int>.Capacity.unbuffered, .bounded(2), .unbounded].flatMap { capacity in
      [
        SharedUse("sending to a channel that is \(capacity)") { bench in
          let channel = Channel<Int>(capacity)
          let (sent, received) = (Counter(), Counter())
          bench.nursery.goAsync { while let number = try channel.next() { received.add(number) } }
          return (
            use: {
              try channel.send(1)
              sent.add()
              sent.add(try channel.sendMany([1, 1]))
              try channel.sendOp(1).perform()
              sent.add()
            },
            check: { try hold(sent.value == received.value, "\(sent.value) sent, \(received.value) received") }
          )
        },
        SharedUse("receiving from a channel that is \(capacity)") { bench in
          let channel = Channel<Int>(capacity)
          let (sent, received) = (Counter(), Counter())
          bench.nursery.goAsync {
            while true {
              try linger()
              try channel.send(1)
              sent.add()
            }
          }
          return (
            use: {
              received.add(try channel.receive())
              received.add(try channel.receiveMany(upTo: 2).count)
              received.add(try channel.next() ?? 0)
              received.add(try channel.receiveOp().perform())
            },
            check: { try hold(sent.value == received.value + channel.count, "\(sent.value), \(received.value)") }
          )
        },
        SharedUse("a channel for handovers that is \(capacity)") { bench in
          let channel = HandoverChannel<Int>(
            capacity == .unbuffered ? .unbuffered : capacity == .unbounded ? .unbounded : .bounded(2))
          let (sent, received) = (Counter(), Counter())
          bench.nursery.goAsync { while let number = try channel.next() { received.add(number) } }
          return (
            use: {
              for isLimited in [false, true] {
                let unsent = isLimited ? channel.send(1, orTimeoutAfter: .seconds(9)) : channel.send(1)
                if let unsent { throw unsent.reason }
                sent.add()
              }
            },
            check: { try hold(sent.value == received.value, "\(sent.value) sent, \(received.value) received") }
          )
        },
      ]
    } + [
      SharedUse("places in a channel") { bench in
        let channel = Channel<Int>(.bounded(1))
        let (sent, received) = (Counter(), Counter())
        bench.nursery.goAsync { while let number = try channel.next() { received.add(number) } }
        return (
          use: {
            let place = try channel.reserve()
            try linger()
            place.send(1)
            sent.add()
            try channel.reserveOp().perform().release()
          },
          check: {
            try hold(channel.statistics.reserved == 0, "a place is reserved")
            try hold(sent.value == received.value, "\(sent.value) sent, \(received.value) received")
          }
        )
      },
      SharedUse("a channel of the newest elements") { bench in
        let (sent, gone) = (Counter(), Counter())
        let channel = Channel<Int>(.newest(1)) { gone.add($0) }
        bench.nursery.goAsync {
          while true {
            try linger()
            gone.add(try channel.receive())
          }
        }
        return (
          use: {
            try channel.send(1)
            sent.add()
            try channel.sendOp(1).perform()
            sent.add()
          },
          check: { try hold(sent.value == gone.value + channel.count, "\(sent.value), \(gone.value)") }
        )
      },
      SharedUse("sending to a Multicast") { bench in
        let multicast = Multicast<Int>()
        let (sent, seen) = (Counter(), Counter())
        for slowness in [Multicast<Int>.Slowness.holdingBack(1), .lagging(64)] {
          let subscription = multicast.subscribe(slowness)
          bench.nursery.goAsync { while let number = try subscription.next() { seen.add(number) } }
        }
        return (
          use: {
            try multicast.send(1)
            sent.add()
            try multicast.sendOp(1).perform()
            sent.add()
            if try multicast.trySend(1) { sent.add() }
          },
          check: { try hold(2 * sent.value == seen.value, "\(sent.value) sent, \(seen.value) seen") }
        )
      },
      SharedUse("subscribing to a Multicast") { bench in
        let multicast = Multicast<Int>()
        bench.nursery.goAsync {
          while true {
            try multicast.send(1)
            try linger()
          }
        }
        return (
          use: {
            let subscription = multicast.subscribe(.holdingBack(1))
            defer { subscription.cancel() }
            for _ in 0..<2 { try hold(try subscription.next() == 1, "another element") }
          },
          check: { try hold(multicast.subscriberCount == 0 && multicast.waitingCount == 0, "a subscriber is left") }
        )
      },
      SharedUse("asking a server") { bench in
        let inbox = Requests<Int, Int>()
        bench.nursery.goAsync {
          while let request = try inbox.next() {
            _ = try request.abandonedOp().or(sleepOp(for: .seconds(1))).perform()
            request.reply(-request.query)
          }
        }
        return (
          use: { try hold(try inbox.ask(7) == -7, "another reply") },
          check: { try hold(inbox.waitingCount == 0, "a request is left") }
        )
      },
    ]
}
