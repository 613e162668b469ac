extension TracePage {
  /// What stands in which row.
  static let rows = #"""
    'use strict';
    const data = JSON.parse(document.getElementById('data').textContent);
    const RUNS = 0, WAITS = 1, CAN_RUN = 2;

    // A row is a name, or bars by their begins: { b, e, text, color, fiber, stay, scope }.
    function hue(text) {
      let hash = 7;
      for (const letter of text) hash = (hash * 31 + letter.codePointAt(0)) % 3600;
      return `hsl(${hash / 10}, 55%, 55%)`;
    }

    function fiberName(index) { return index < 0 ? 'none' : data.fibers[index].n; }

    function timeRows() {
      const rows = [];
      const workers = data.tracks.map(() => []);
      data.fibers.forEach((fiber, index) => {
        for (const stay of fiber.stays) {
          if (stay.s === RUNS) {
            workers[stay.w].push({ b: stay.b, e: stay.e, text: fiber.n, color: hue(fiber.n), fiber: index, stay });
          }
        }
      });
      rows.push({ title: 'Workers' });
      data.tracks.forEach((track, index) => {
        if (track.worker === null) return;
        const marks = data.moments.filter(moment => moment.w === index);
        rows.push({ name: track.n, bars: workers[index].sort((x, y) => x.b - y.b), marks, track: index });
      });
      addCalls(rows);
      const owners = [...new Set(data.fibers.map(fiber => fiber.own))].sort((x, y) => x - y);
      for (const owner of owners) addFibers(rows, owner);
      return rows;
    }

    function addCalls(rows) {
      const threads = [...new Set(data.calls.map(call => call.thread))];
      if (threads.length) rows.push({ title: 'Threads of blocking calls' });
      threads.forEach((thread, index) => {
        const bars = data.calls.filter(call => call.thread === thread).map(call => (
          { b: call.b, e: call.e, text: fiberName(call.f), color: hue(fiberName(call.f)), fiber: call.f }));
        rows.push({ name: `thread ${index + 1}`, bars });
      });
    }

    function addFibers(rows, owner) {
      rows.push({ title: owner < 0 ? 'Fibers' : data.scopes[owner].n });
      const lanes = [];
      data.fibers.forEach((fiber, index) => {
        if (fiber.own !== owner) return;
        const lane = lanes[fiber.lane] ??= { name: '', bars: [], spans: [], fibers: 0 };
        lane.fibers += 1;
        lane.name = lane.fibers === 1 ? fiber.n : `${lane.fibers} fibers`;
        for (const stay of fiber.stays) {
          const color = stay.s === RUNS ? hue(fiber.n) : stay.s === WAITS ? 'wait' : 'ready';
          const text = stay.s === RUNS ? fiber.n : stay.t;
          lane.bars.push({ b: stay.b, e: stay.e, text, color, fiber: index, stay });
        }
        for (const span of data.spans) if (span.f === index) lane.spans.push(span);
      });
      for (const lane of lanes) {
        if (lane) { lane.bars.sort((x, y) => x.b - y.b); rows.push(lane); }
      }
    }

    // A scope's bars: one while it was open, with a gap while its coroutine was suspended.
    function scopeBars(scope, index) {
      const bars = [], end = scope.e ?? data.end;
      let begin = scope.b ?? 0;
      const color = hue(scope.k);
      const open = to => { if (to > begin) bars.push({ b: begin, e: to, text: scope.n, color, scope: index }); };
      for (const gap of scope.s) {
        open(gap.b);
        bars.push({ b: gap.b, e: gap.e, text: 'suspended with its coroutine', color: 'wait', scope: index });
        begin = gap.e;
      }
      open(end);
      return bars;
    }

    // The tree of scopes, each in a row.
    function scopeRows() {
      const rows = [{ title: 'Scopes' }];
      const inner = data.scopes.map(() => []);
      const outermost = [];
      data.scopes.forEach((scope, index) => (scope.p < 0 ? outermost : inner[scope.p]).push(index));
      function add(index, depth) {
        const scope = data.scopes[index];
        const marks = scope.x === null ? [] : [{ b: scope.x, n: `cancelled: ${scope.why}` }];
        rows.push({ name: '  '.repeat(depth) + scope.n, bars: scopeBars(scope, index), marks });
        for (const child of inner[index]) add(child, depth + 1);
      }
      for (const index of outermost) add(index, 0);
      return rows;
    }
    """#
}
