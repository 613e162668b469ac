import Testing

/// One cell of the table: an operation, and the form in which it is used.
struct Case: Sendable, CustomTestStringConvertible {
  let specimen: any AnySpecimen
  let form: Form

  var testDescription: String { "\(specimen.name), \(form.rawValue)" }

  /// Every operation that has these traits, in every one of these forms.
  ///
  /// Under a sanitizer only in a few: those reach all code, and it looks at nothing else.
  static func all(having traits: Set<Trait> = [], without excluded: Set<Trait> = [], in forms: [Form] = Form.allCases)
    -> [Case]
  {
    let forms = isSanitized ? forms.filter(Form.few.contains) : forms
    return Specimens.all
      .filter { $0.traits.isSuperset(of: traits) && $0.traits.isDisjoint(with: excluded) }
      .flatMap { specimen in forms.map { Case(specimen: specimen, form: $0) } }
      .filter { $0.form != .verb || !$0.specimen.traits.contains(.lacksVerb) }
  }
}
