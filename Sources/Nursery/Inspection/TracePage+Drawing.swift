extension TracePage {
  /// Draws the rows, and moves in them.
  static let drawing = #"""
    const canvas = document.getElementById('canvas'), context = canvas.getContext('2d');
    const GUTTER = 190, ROW = 20, TOP = 22;
    const view = { from: 0, to: Math.max(1, data.end), top: 0, mode: 'time', selected: -1, scope: -1, search: '' };
    let rows = timeRows(), size = { width: 0, height: 0 };

    function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim(); }
    function x(time) { return GUTTER + (time - view.from) / (view.to - view.from) * (size.width - GUTTER); }
    function time(x) { return view.from + (x - GUTTER) / (size.width - GUTTER) * (view.to - view.from); }
    function y(row) { return TOP + row * ROW - view.top; }

    function duration(ns) {
      if (ns < 1e3) return `${Math.round(ns)} ns`;
      if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
      if (ns < 1e9) return `${(ns / 1e6).toPrecision(3)} ms`;
      return `${(ns / 1e9).toPrecision(4)} s`;
    }

    function matches(fiber) {
      if (!view.search) return true;
      const text = [fiber.n, fiber.site ?? '', ...new Set(fiber.stays.map(stay => stay.t))].join('\n').toLowerCase();
      return text.includes(view.search);
    }

    function draw() {
      const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
      size = { width: box.width, height: box.height };
      canvas.width = box.width * ratio;
      canvas.height = box.height * ratio;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.font = '11px system-ui, sans-serif';
      context.textBaseline = 'middle';
      context.fillStyle = color('back');
      context.fillRect(0, 0, size.width, size.height);
      drawGrid();
      const found = data.fibers.map(matches);
      let bars = 0;
      rows.forEach((row, index) => { bars += drawRow(row, y(index), found); });
      drawArrows();
      drawTimes();
      const lost = data.lost ? `, ${data.lost} earlier events lost` : '';
      document.getElementById('span').textContent = `${duration(view.to - view.from)} of ${duration(data.end)}${lost}`;
      document.getElementById('found').textContent =
        view.search ? `${found.filter(Boolean).length} of ${found.length} fibers` : '';
      document.body.dataset.canvas = [box.left, box.top, box.width, box.height];
      document.body.dataset.bars = bars;
      document.body.dataset.rows = rows.length;
    }

    function drawRow(row, top, found) {
      if (top + ROW < 0 || top > size.height) return 0;
      if (row.title !== undefined) {
        context.fillStyle = color('ink');
        context.font = 'bold 11px system-ui, sans-serif';
        context.fillText(row.title, 6, top + ROW / 2);
        context.font = '11px system-ui, sans-serif';
        return 0;
      }
      let bars = 0, last = -1;
      for (const bar of row.bars) {
        if (bar.e < view.from) continue;
        if (bar.b > view.to) break;
        const left = Math.max(GUTTER, x(bar.b)), right = Math.min(size.width, Math.max(x(bar.e), left + 1));
        bars += 1;
        if (right - left < 1.5 && left < last) continue;
        last = right;
        drawBar(bar, left, right, top, found);
      }
      for (const span of row.spans ?? []) {
        context.fillStyle = color('mark');
        const left = Math.max(GUTTER, x(span.b));
        context.fillRect(left, top + ROW - 4, Math.max(1, x(span.e) - left), 2);
      }
      for (const mark of row.marks ?? []) {
        if (mark.b < view.from || mark.b > view.to) continue;
        context.fillStyle = color('mark');
        context.fillRect(x(mark.b), top + 1, 1.5, ROW - 2);
      }
      context.fillStyle = color('back');
      context.fillRect(0, top, GUTTER, ROW);
      context.fillStyle = color('soft');
      clipped(row.name, 6, GUTTER - 12, top);
      return bars;
    }

    function drawBar(bar, left, right, top, found) {
      const isMuted = bar.fiber >= 0 && !found[bar.fiber];
      context.globalAlpha = isMuted ? 0.15 : 1;
      context.fillStyle = bar.color === 'wait' || bar.color === 'ready' ? color(bar.color) : bar.color;
      const inset = bar.color === 'wait' ? 6 : bar.color === 'ready' ? 4 : 2;
      context.fillRect(left, top + inset, right - left, ROW - 2 * inset);
      const isSelected = bar.fiber >= 0 ? bar.fiber === view.selected : bar.scope >= 0 && bar.scope === view.scope;
      if (isSelected) {
        context.strokeStyle = color('ink');
        context.strokeRect(left, top + inset, right - left, ROW - 2 * inset);
      }
      if (right - left > 40) {
        context.fillStyle = inset === 6 ? color('ink') : '#fff';
        clipped(bar.text, left + 4, right - left - 6, top);
      }
      context.globalAlpha = 1;
    }

    function clipped(text, left, width, top) {
      context.save();
      context.beginPath();
      context.rect(left, top, width, ROW);
      context.clip();
      context.fillText(text, left, top + ROW / 2);
      context.restore();
    }

    // From each waker of the selected fiber to the run that followed.
    function drawArrows() {
      if (view.selected < 0 || view.mode !== 'time') return;
      const row = track => rows.findIndex(row => row.track === track);
      const stays = data.fibers[view.selected].stays;
      context.strokeStyle = context.fillStyle = color('mark');
      stays.forEach((stay, index) => {
        const run = stays.slice(index + 1).find(later => later.s === RUNS);
        if (stay.at === undefined || !run || stay.kw < 0 || row(stay.kw) < 0) return;
        if (run.b < view.from || stay.at > view.to) return;
        const x1 = x(stay.at), y1 = y(row(stay.kw)) + ROW / 2, x2 = x(run.b), y2 = y(row(run.w)) + ROW / 2;
        context.beginPath();
        context.moveTo(x1, y1);
        context.bezierCurveTo(x1 + 20, y1 - 14, x2 - 20, y2 - 14, x2, y2);
        context.stroke();
        context.fillRect(x2 - 2, y2 - 2, 4, 4);
      });
    }

    function forEachTime(draw) {
      const wanted = (view.to - view.from) / Math.max(1, (size.width - GUTTER) / 110);
      const power = 10 ** Math.floor(Math.log10(wanted));
      const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= wanted);
      for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) draw(at);
    }

    function drawGrid() {
      context.strokeStyle = color('line');
      forEachTime(at => {
        context.beginPath();
        context.moveTo(x(at), 0);
        context.lineTo(x(at), size.height);
        context.stroke();
      });
    }

    function drawTimes() {
      context.fillStyle = color('back');
      context.fillRect(0, 0, size.width, TOP);
      context.fillStyle = color('soft');
      forEachTime(at => context.fillText(duration(at), x(at) + 3, TOP / 2));
    }
    """#
}
