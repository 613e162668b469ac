import GRDB
import Nursery
import Testing

/// GRDB: its calls run on threads for calls that block, and a cancelled query is interrupted.
struct GRDBTests {
  @Test func fibersQueryADatabase() async throws {
    let database = try DatabaseQueue()
    let sums = try await withNursery { _ in
      try blocking {
        try database.write { db in
          try db.execute(sql: "create table numbers (number integer)")
          for number in 1...4 { try db.execute(sql: "insert into numbers values (?)", arguments: [number]) }
        }
      }
      return try (1...4).concurrentMap(limit: 4) { most in
        try blocking { [most] in
          try database.read { db in
            try Int.fetchOne(db, sql: "select sum(number) from numbers where number <= ?", arguments: [most])
          }
        }
      }
    }
    #expect(sums == [1, 3, 6, 10])
  }

  @Test func aCancelledQueryIsInterrupted() async throws {
    let database = try DatabaseQueue()
    let hasBegun = Condition()
    let code = try await withNursery { nursery in
      let query = nursery.goAsync { () -> ResultCode? in
        do {
          // As its body has begun, the call throws the body's error.
          try blocking(onCancel: { database.interrupt() }) {
            try database.read { db in
              let begun = DatabaseFunction("begun", argumentCount: 1) { _ in
                hasBegun.signal()
                return true
              }
              db.add(function: begun)
              _ = try Int.fetchOne(db, sql: endless)
            }
          }
          return nil
        } catch let error as DatabaseError {
          return error.resultCode
        }
      }
      try hasBegun.wait()
      query.cancel()
      return try query.wait()
    }
    #expect(code == .SQLITE_INTERRUPT)
  }
}

private let endless = """
  with recursive numbers(n) as (select 1 union all select n + 1 from numbers)
  select count(*) from numbers where begun(n)
  """
