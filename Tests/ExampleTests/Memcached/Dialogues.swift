/// The protocol by examples: every command, and the answers to wrong ones.
let dialogues: [Dialogue] = [
  Dialogue("get of nothing", "get a", "END"),
  Dialogue("set and get", "set a 5 0 3\nabc\nget a", "STORED\nVALUE a 5 3\nabc\nEND"),
  Dialogue("an empty value", "set a 0 0 0\n\nget a", "STORED\nVALUE a 0 0\n\nEND"),
  Dialogue("a value with line ends in it", "set a 0 0 6\nx\n\ny\nget a", "STORED\nVALUE a 0 6\nx\n\ny\nEND"),
  Dialogue("a value that looks like a command", "set a 0 0 7\nget b\n\nget a", "STORED\nVALUE a 0 7\nget b\n\nEND"),
  Dialogue(
    "get of several", "set a 0 0 1\nx\nset b 0 0 1\ny\nget a c b", "STORED\nSTORED\nVALUE a 0 1\nx\nVALUE b 0 1\ny\nEND"
  ),
  Dialogue(
    "gets shows numbers", "set a 0 0 1\nx\nset b 0 0 1\ny\ngets b a",
    "STORED\nSTORED\nVALUE b 0 1 2\ny\nVALUE a 0 1 1\nx\nEND"),
  Dialogue("largest flags", "set a 4294967295 0 1\nx\nget a", "STORED\nVALUE a 4294967295 1\nx\nEND"),
  Dialogue("flags that are too large", "set a 4294967296 0 1\nx\nget a", "CLIENT_ERROR bad command line format\nEND"),
  Dialogue("add", "add a 0 0 1\nx\nadd a 0 0 1\ny\nget a", "STORED\nNOT_STORED\nVALUE a 0 1\nx\nEND"),
  Dialogue(
    "replace", "replace a 0 0 1\nx\nset a 0 0 1\ny\nreplace a 0 0 1\nz\nget a",
    "NOT_STORED\nSTORED\nSTORED\nVALUE a 0 1\nz\nEND"),
  Dialogue(
    "append keeps the flags", "append a 0 0 1\nx\nset a 7 0 1\ny\nappend a 9 0 1\nz\nget a",
    "NOT_STORED\nSTORED\nSTORED\nVALUE a 7 2\nyz\nEND"),
  Dialogue(
    "prepend", "prepend a 0 0 1\nx\nset a 0 0 1\ny\nprepend a 0 0 1\nz\nget a",
    "NOT_STORED\nSTORED\nSTORED\nVALUE a 0 2\nzy\nEND"),
  Dialogue(
    "cas", "cas a 0 0 1 1\nx\nset a 0 0 1\ny\ncas a 0 0 1 2\nz\ncas a 0 0 1 1\nz\ngets a",
    "NOT_FOUND\nSTORED\nEXISTS\nSTORED\nVALUE a 0 1 2\nz\nEND"),
  Dialogue("delete", "delete a\nset a 0 0 1\nx\ndelete a\nget a", "NOT_FOUND\nSTORED\nDELETED\nEND"),
  Dialogue(
    "delete with a time", "set a 0 0 1\nx\ndelete a 0\ndelete a 5",
    "STORED\nDELETED\nCLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]"),
  Dialogue(
    "incr", "incr a 1\nset a 0 0 1\n9\nincr a 1\nincr a 90\nget a", "NOT_FOUND\nSTORED\n10\n100\nVALUE a 0 3\n100\nEND"),
  Dialogue("incr wraps", "set a 0 0 20\n18446744073709551615\nincr a 2", "STORED\n1"),
  Dialogue("decr stops at zero", "set a 0 0 1\n5\ndecr a 7", "STORED\n0"),
  Dialogue("decr pads", "set a 0 0 2\n10\ndecr a 1\nget a\nincr a 5", "STORED\n9\nVALUE a 0 2\n9 \nEND\n14"),
  Dialogue(
    "incr of a value that is no number", "set a 0 0 2\nx1\nincr a 1",
    "STORED\nCLIENT_ERROR cannot increment or decrement non-numeric value"),
  Dialogue(
    "incr of a number that is too large", "set a 0 0 20\n18446744073709551616\nincr a 1",
    "STORED\nCLIENT_ERROR cannot increment or decrement non-numeric value"),
  Dialogue(
    "incr of an empty value", "set a 0 0 0\n\nincr a 1",
    "STORED\nCLIENT_ERROR cannot increment or decrement non-numeric value"),
  Dialogue(
    "incr by an amount that is no number", "incr a x\nincr a -1\nincr a",
    "CLIENT_ERROR invalid numeric delta argument\nCLIENT_ERROR invalid numeric delta argument\nERROR"),
  Dialogue(
    "touch", "touch a 10\nset a 0 0 1\nx\ntouch a 10\ntouch a -1\nget a\ntouch a x",
    "NOT_FOUND\nSTORED\nTOUCHED\nTOUCHED\nEND\nCLIENT_ERROR invalid exptime argument"),
  Dialogue(
    "gat and gats", "set a 0 0 1\nx\ngat 10 a b\ngats 10 a\ngat -1 a\nget a",
    "STORED\nVALUE a 0 1\nx\nEND\nVALUE a 0 1 1\nx\nEND\nVALUE a 0 1\nx\nEND\nEND"),
  Dialogue("a negative expiry", "set a 0 -1 1\nx\nget a", "STORED\nEND"),
  Dialogue("an expiry that is none", "set a 0 soon 1\nx\nget a", "CLIENT_ERROR bad command line format\nEND"),
  Dialogue(
    "flush_all", "set a 0 0 1\nx\nflush_all\nget a\nset a 0 0 1\ny\nget a",
    "STORED\nOK\nEND\nSTORED\nVALUE a 0 1\ny\nEND"),
  Dialogue("flush_all that is wrong", "flush_all soon\nflush_all 0 0", "CLIENT_ERROR invalid exptime argument\nERROR"),
  Dialogue("version, verbosity", "version\nverbosity 1\nverbosity\nversion 2", "VERSION 1.5.3\nOK\nERROR\nERROR"),
  Dialogue("quit", "version\nquit\nversion", "VERSION 1.5.3"),
  Dialogue(
    "noreply",
    """
    set a 0 0 1 noreply
    1
    add b 0 0 1 noreply
    2
    replace b 0 0 1 noreply
    3
    append b 0 0 1 noreply
    4
    prepend b 0 0 1 noreply
    5
    incr a 1 noreply
    decr a 1 noreply
    touch a 0 noreply
    delete x noreply
    verbosity 1 noreply
    cas a 0 0 1 9 noreply
    6
    get a b
    delete a noreply
    flush_all noreply
    get a b
    """, "VALUE a 0 1\n1\nVALUE b 0 3\n534\nEND\nEND"),
  Dialogue(
    "noreply does not silence a mistake", "set a 0 0 x noreply\nincr a x noreply\nset a 0 0 1 noreply\nxyz\nversion",
    "CLIENT_ERROR bad data chunk\nCLIENT_ERROR invalid numeric delta argument\nCLIENT_ERROR bad data chunk\nVERSION 1.5.3"
  ),
  Dialogue(
    "a key named noreply", "set noreply 0 0 1\nx\nget noreply\ndelete noreply",
    "STORED\nVALUE noreply 0 1\nx\nEND\nDELETED"),
  Dialogue(
    "no command", "\nhello\nGET a\nget\nget  \nset\ndelete\ntouch a\ngat 1\nincr",
    "ERROR\nERROR\nERROR\nERROR\nERROR\nERROR\nERROR\nERROR\nERROR\nERROR"),
  Dialogue("too many words", "set a 0 0 1 x\ny\ndelete a 0 noreply x\nversion", "ERROR\nERROR\nVERSION 1.5.3"),
  Dialogue("several spaces", "  set  a  0 0  1  \nx\n get   a ", "STORED\nVALUE a 0 1\nx\nEND"),
  Dialogue("a value that is longer than announced", "set a 0 0 2\nabcde\nget a", "CLIENT_ERROR bad data chunk\nEND"),
  Dialogue("a value with a command at its end", "set a 0 0 1\nxyzflush_all\nget a", "CLIENT_ERROR bad data chunk\nEND"),
  Dialogue(
    "a length that is none", "set a 0 0 -1\nset a 0 0 x\nset a 0 0 9999999999\nget a",
    "CLIENT_ERROR bad data chunk\nCLIENT_ERROR bad data chunk\nCLIENT_ERROR bad data chunk\nEND"),
  Dialogue(
    "a mistake before a value that is announced", "set a x 0 9\nflush_all\nset a 0 0 9 what\nflush_all\nget a",
    "CLIENT_ERROR bad command line format\nERROR\nEND"),
  Dialogue("stats of other kinds", "stats items\nstats slabs\nstats reset\nstats nonsense", "END\nEND\nRESET\nERROR"),
  Dialogue(
    "the longest key", "set \(longestKey) 0 0 1\nx\nget \(longestKey)", "STORED\nVALUE \(longestKey) 0 1\nx\nEND"),
  Dialogue(
    "a key that is too long", "set \(longestKey)k 0 0 1\nx\nget \(longestKey)k\ndelete \(longestKey)k",
    "CLIENT_ERROR bad command line format\nCLIENT_ERROR bad command line format\nCLIENT_ERROR bad command line format"),
]

private let longestKey = String(repeating: "k", count: 250)
