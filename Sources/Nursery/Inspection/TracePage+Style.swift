extension TracePage {
  static let style = """
    :root { --back: #fff; --ink: #1d2430; --soft: #6b7685; --line: #e3e7ec; --wait: #d9dfe7;
      --ready: #f2b544; --mark: #c22f4e; }
    @media (prefers-color-scheme: dark) {
      :root { --back: #15181d; --ink: #e4e8ee; --soft: #93a0b0; --line: #2a3039; --wait: #39424e; }
    }
    * { box-sizing: border-box; }
    body { margin: 0; height: 100vh; display: flex; flex-direction: column; background: var(--back); color: var(--ink);
      font: 13px/1.4 system-ui, sans-serif; }
    header { display: flex; gap: 8px; align-items: center; padding: 6px 10px; border-bottom: 1px solid var(--line); }
    header small, #span, #found { color: var(--soft); }
    header input { width: 240px; }
    main { flex: 1; display: flex; min-height: 0; }
    canvas { flex: 1; min-width: 0; cursor: crosshair; outline: none; }
    aside { width: 340px; overflow: auto; padding: 10px; border-left: 1px solid var(--line); }
    aside h2 { font-size: 14px; margin: 0 0 4px; }
    aside p { margin: 2px 0; color: var(--soft); }
    aside table { border-collapse: collapse; width: 100%; margin-top: 8px; }
    aside td { padding: 2px 4px; border-top: 1px solid var(--line); vertical-align: top; }
    aside td:first-child, aside td:nth-child(2) { white-space: nowrap; text-align: right;
      font-variant-numeric: tabular-nums; }
    aside a { color: #2d6cdf; cursor: pointer; text-decoration: underline; }
    """
}
