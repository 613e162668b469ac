/// Lets a list go without recursion, however long it is: the links that only this list holds, one after the other.
///
/// - Parameter detach: takes the next link out of one and returns it.
func releaseChain<Link: AnyObject>(_ first: inout Link?, _ detach: (Link) -> Link?) {
  var next = first
  first = nil
  while next != nil, isKnownUniquelyReferenced(&next) { next = detach(next!) }
}
