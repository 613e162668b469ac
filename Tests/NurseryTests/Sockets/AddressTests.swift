import Nursery
import Testing

struct AddressTests {
  @Test func aValidScopeIsParsedAndNoOther() {
    #expect(IPAddress("fe80::1%7")?.scope == 7)
    #expect(IPAddress("fe80::1%4294967295")?.scope == .max)
    for scope in ["", "0", "4294967296", "4294967297", "99999999999999999999999", "+1", " 1", "-1", "1x"] {
      #expect(IPAddress("fe80::1%\(scope)") == nil, "\(scope)")
    }
  }
}
