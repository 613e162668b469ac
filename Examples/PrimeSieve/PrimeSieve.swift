@main
struct PrimeSieve {
  static func main() {}
}
