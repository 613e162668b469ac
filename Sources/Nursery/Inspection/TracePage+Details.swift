extension TracePage {
  /// Shows what was clicked, and hears the mouse, the keys and the search.
  static let details = #"""
    const details = document.getElementById('details');

    function element(name, text, parent = details) {
      const made = document.createElement(name);
      made.textContent = text;
      parent.append(made);
      return made;
    }

    function link(text, action, parent) {
      element('a', text, parent).addEventListener('click', action);
    }

    function showFiber(index) {
      const fiber = data.fibers[index];
      view.selected = index;
      details.textContent = '';
      element('h2', fiber.n);
      if (fiber.site) element('p', `spawned at ${fiber.site}`);
      if (fiber.own >= 0) element('p', `in ${data.scopes[fiber.own].n}`);
      element('p', `from ${duration(fiber.b)} for ${duration(fiber.e - fiber.b)}, ${fiber.end ?? 'alive'}`);
      const sums = [0, 0, 0];
      for (const stay of fiber.stays) sums[stay.s] += stay.e - stay.b;
      const [ran, waited, queued] = sums.map(duration);
      element('p', `ran ${ran}, waited ${waited}, could run ${queued}`);
      const table = element('table', '');
      for (const stay of fiber.stays.slice(0, 500)) {
        const row = element('tr', '', table);
        element('td', duration(stay.b), row);
        element('td', duration(stay.e - stay.b), row);
        const what = element('td', stay.t, row);
        if (stay.at === undefined || stay.s !== WAITS) continue;
        element('div', 'woken by ', what);
        if (stay.k >= 0) {
          link(data.fibers[stay.k].n, () => { showFiber(stay.k); draw(); }, what.lastChild);
        } else {
          what.lastChild.textContent += stay.by;
        }
      }
      if (fiber.stays.length > 500) element('p', `and ${fiber.stays.length - 500} more`);
      document.body.dataset.selected = fiber.n;
    }

    function showScope(index) {
      const scope = data.scopes[index];
      view.scope = index;
      details.textContent = '';
      element('h2', scope.n);
      const show = fiber => () => { setMode('time'); showFiber(fiber); draw(); };
      if (scope.h >= 0) link(`opened by ${fiberName(scope.h)}`, show(scope.h), element('p', ''));
      element('p', scope.b === null ? 'opened before the trace' : `opened after ${duration(scope.b)}`);
      element('p', scope.e === null ? 'open' : `closed after ${duration(scope.e)}`);
      if (scope.s.length) {
        const total = scope.s.reduce((sum, gap) => sum + gap.e - gap.b, 0);
        element('p', `suspended with its coroutine for ${duration(total)}, ${scope.s.length} times`);
      }
      if (scope.x !== null) {
        element('p', `cancelled after ${duration(scope.x)}: ${scope.why}, by ${fiberName(scope.by)}`);
      }
      data.fibers.forEach((fiber, child) => {
        if (fiber.home === index) link(fiber.n, show(child), element('p', ''));
      });
    }

    function setMode(mode) {
      view.mode = mode;
      view.top = 0;
      rows = mode === 'time' ? timeRows() : scopeRows();
    }

    function clamp() {
      const least = 10, span = Math.min(Math.max(view.to - view.from, least), Math.max(least, data.end));
      view.from = Math.max(0, Math.min(view.from, Math.max(0, data.end - span)));
      view.to = view.from + span;
      view.top = Math.max(0, Math.min(view.top, TOP + rows.length * ROW - size.height + ROW));
    }

    function zoom(factor, at) {
      view.from = at - (at - view.from) * factor;
      view.to = at + (view.to - at) * factor;
      clamp();
      draw();
    }

    function move(dx, dy) {
      const by = dx / (size.width - GUTTER) * (view.to - view.from);
      view.from += by;
      view.to += by;
      view.top += dy;
      clamp();
      draw();
    }

    function click(event) {
      const row = rows[Math.floor((event.offsetY - TOP + view.top) / ROW)], at = time(event.offsetX);
      const reach = 3 / (size.width - GUTTER) * (view.to - view.from);
      const hits = (row?.bars ?? []).filter(bar => bar.b - reach <= at && at <= bar.e + reach);
      const bar = hits.sort((x, y) => (x.e - x.b) - (y.e - y.b))[0];
      if (bar?.fiber >= 0) showFiber(bar.fiber);
      if (bar?.scope >= 0) showScope(bar.scope);
      draw();
    }

    let drag = null;
    canvas.addEventListener('wheel', event => {
      event.preventDefault();
      if (event.shiftKey) return move(event.deltaY + event.deltaX, 0);
      if (event.offsetX < GUTTER) return move(0, event.deltaY);
      zoom(Math.exp(event.deltaY / 400), time(event.offsetX));
    }, { passive: false });
    canvas.addEventListener('mousedown', event => { drag = { x: event.offsetX, y: event.offsetY, moved: false }; });
    canvas.addEventListener('mousemove', event => {
      if (!drag) return;
      const dx = drag.x - event.offsetX, dy = drag.y - event.offsetY;
      if (!drag.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
      drag = { x: event.offsetX, y: event.offsetY, moved: true };
      move(dx, dy);
    });
    window.addEventListener('mouseup', event => {
      if (drag && !drag.moved && event.target === canvas) click(event);
      drag = null;
    });
    canvas.addEventListener('keydown', event => {
      const middle = (view.from + view.to) / 2, step = (size.width - GUTTER) / 10;
      const actions = {
        w: () => zoom(0.8, middle), s: () => zoom(1.25, middle), a: () => move(-step, 0), d: () => move(step, 0),
        ArrowLeft: () => move(-step, 0), ArrowRight: () => move(step, 0),
        ArrowUp: () => move(0, -ROW), ArrowDown: () => move(0, ROW),
      };
      actions[event.key]?.();
    });
    document.getElementById('time').addEventListener('click', () => { setMode('time'); draw(); });
    document.getElementById('scopes').addEventListener('click', () => { setMode('scopes'); draw(); });
    document.getElementById('all').addEventListener('click', () => {
      view.from = 0;
      view.to = Math.max(1, data.end);
      clamp();
      draw();
    });
    document.getElementById('search').addEventListener('input', event => {
      view.search = event.target.value.toLowerCase();
      draw();
    });
    document.getElementById('search').addEventListener('keydown', event => {
      if (event.key !== 'Enter') return;
      const found = data.fibers.map((_, index) => index).filter(index => matches(data.fibers[index]));
      const next = found.find(index => index > view.selected) ?? found[0];
      if (next === undefined) return;
      const fiber = data.fibers[next], margin = Math.max(10, (fiber.e - fiber.b) / 10);
      view.from = fiber.b - margin;
      view.to = fiber.e + margin;
      showFiber(next);
      clamp();
      draw();
    });
    window.addEventListener('resize', () => { clamp(); draw(); });

    // "#scopes", "#search=TEXT", "#fiber=NAME": what to show first.
    const [key, value] = decodeURIComponent(location.hash.slice(1)).split('=');
    if (key === 'scopes') setMode('scopes');
    if (key === 'search') document.getElementById('search').value = view.search = value.toLowerCase();
    if (key === 'fiber') {
      const index = data.fibers.findIndex(fiber => fiber.n.includes(value));
      if (index >= 0) showFiber(index);
    }
    draw();
    """#
}
