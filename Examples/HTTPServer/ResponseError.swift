/// A handler's calls do not make a valid HTTP response.
enum ResponseError: Error, Hashable, CustomStringConvertible {
  case begun
  case badHeader(name: String)
  case reservedHeader(name: String)
  case tooLong(length: Int)
  case tooShort(missing: Int)

  var description: String {
    switch self {
    case .begun: "the response has begun already; set the status and headers before, and send it once"
    case .badHeader(let name):
      "the header \(name.debugDescription) cannot be sent; a name is a token, and a value has no control characters"
    case .reservedHeader(let name): "\(name) is the server's to send; say send(...), or begin(length:) and write(...)"
    case .tooLong(let length):
      "more was written than the \(length) bytes announced; begin without a length if it is unknown"
    case .tooShort(let missing): "\(missing) bytes of the length announced are missing; the connection has been cut"
    }
  }
}
