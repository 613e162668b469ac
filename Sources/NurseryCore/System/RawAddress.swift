import CSwitch

/// An address as the system lays it out.
package typealias RawAddress = cs_address

extension RawAddress {
  /// An internet address in its parts; the bytes are in network order.
  package struct Internet {
    package let bytes: [UInt8]
    package let port: UInt16
    package let scope: UInt32
  }

  /// Lays out an internet address of 4 or 16 bytes.
  package init(_ bytes: [UInt8], port: UInt16, scope: UInt32) {
    self.init()
    if bytes.count == 16 {
      cs_address_v6(&self, bytes, port, scope)
    } else {
      cs_address_v4(&self, bytes, port)
    }
  }

  /// Reads "192.0.2.1", "2001:db8::1" or "fe80::1%eth0"; nil for anything else.
  package init?(parsing text: String) {
    self.init()
    guard !text.utf8.contains(0), cs_address_parse(text, 0, &self) else { return nil }
  }

  /// Lays out a path, or with a leading zero byte a name in the abstract namespace; zero, or -errno if it does not fit.
  package mutating func setPath(_ bytes: [UInt8]) -> Int32 { cs_address_unix(&self, bytes, bytes.count) }

  /// The internet address, if it is one.
  package var internet: Internet? {
    withUnsafePointer(to: self) { raw in
      let family = cs_address_family(raw)
      guard family == Int32(CS_FAMILY_V4) || family == Int32(CS_FAMILY_V6) else { return nil }
      var port: UInt16 = 0
      var scope: UInt32 = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: 16) { buffer, initialized in
        cs_address_ip(raw, buffer.baseAddress!, &port, &scope)
        initialized = family == Int32(CS_FAMILY_V4) ? 4 : 16
      }
      return Internet(bytes: bytes, port: port, scope: scope)
    }
  }

  /// Whether it is of the family of Unix sockets.
  package var isUnix: Bool { withUnsafePointer(to: self) { cs_address_family($0) == Int32(CS_FAMILY_UNIX) } }

  /// The bytes of a path or an abstract name, with its leading zero; empty for an unnamed socket.
  package var path: [UInt8] {
    withUnsafePointer(to: self) { raw in
      [UInt8](unsafeUninitializedCapacity: 128) { buffer, initialized in
        initialized = cs_address_path(raw, buffer.baseAddress!)
      }
    }
  }

  /// The numeric form of an internet address, without the port.
  package var numericText: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      withUnsafePointer(to: self) { cs_address_text($0, text.baseAddress!) }
      return String(cString: text.baseAddress!)
    }
  }
}
