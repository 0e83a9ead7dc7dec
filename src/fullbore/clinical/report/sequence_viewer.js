// Draws a sequence's blocks on a canvas: exact waveforms when few are in view, their envelope when many are.
"use strict";
(async () => {
  const meta = JSON.parse(document.getElementById("sequence-meta").textContent);
  const packed = Uint8Array.from(atob(document.getElementById("sequence-data").textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const n = meta.blocks, rows = meta.rows;
  let offset = 0;
  const take = (Kind, count) => { const part = new Kind(bytes, offset, count); offset += part.byteLength; return part; };
  const duration = take(Float64Array, n), scale = take(Float32Array, 3 * n), phase = take(Float32Array, n);
  const gradient = take(Int32Array, 3 * n), rf = take(Int32Array, n), adc = take(Int32Array, n);
  const counters = take(Int32Array, meta.counters.length * rows);
  const start = new Float64Array(n + 1), row = new Int32Array(n).fill(-1);
  for (let b = 0, r = 0; b < n; b++) { start[b + 1] = start[b] + duration[b]; if (adc[b] >= 0) row[b] = r++; }
  const readout = []; for (let b = 0; b < n; b++) if (adc[b] >= 0) readout.push(b);

  const lanes = [["|B1| (µT)", "#7b3fa0"], ["Gx (mT/m)", "#1f77b4"], ["Gy (mT/m)", "#2a9d60"], ["Gz (mT/m)", "#c8681f"], ["ADC", "#b3261e"]];
  const size = [Math.max(...meta.rf.map((s) => Math.max(...s[1])), 1e-9), 0, 0, 0, 1];
  const peaks = meta.gradients.map((s) => [Math.min(0, ...s[1]), Math.max(0, ...s[1])]);
  for (let b = 0; b < n; b++) for (let a = 0; a < 3; a++) {
    const g = gradient[3 * b + a];
    if (g >= 0) size[a + 1] = Math.max(size[a + 1], Math.abs(scale[3 * b + a]) * Math.max(-peaks[g][0], peaks[g][1]));
  }
  const canvas = document.getElementById("sequence-canvas"), tip = document.getElementById("sequence-tip");
  const pen = canvas.getContext("2d"), left = 74, total = start[n];
  let from = meta.view[0], to = meta.view[1], queued = false;

  const find = (time) => { let low = 0, high = n; while (high - low > 1) { const m = (low + high) >> 1; if (start[m] <= time) low = m; else high = m; } return low; };
  const x = (time, width) => left + (time - from) / (to - from) * (width - left);
  const lane = (index, height) => { const h = (height - 22) / 5; return [index * h + h / 2, h * 0.44]; };

  function wave(b, index) {  // [times from the block's start, values] of one lane, null for nothing
    if (index === 0) return rf[b] < 0 ? null : [meta.rf[rf[b]][0], meta.rf[rf[b]][1], 1];
    if (index === 4) { if (adc[b] < 0) return null; const [d, e] = meta.adcs[adc[b]]; return [[d, d, e, e], [0, 1, 1, 0], 1]; }
    const g = gradient[3 * b + index - 1];
    return g < 0 ? null : [meta.gradients[g][0], meta.gradients[g][1], scale[3 * b + index - 1]];
  }

  function exact(first, last, index, width, height) {
    const [middle, half] = lane(index, height), unit = half / (size[index] || 1);
    pen.beginPath();
    pen.moveTo(x(Math.max(start[first], from), width), middle);
    for (let b = first; b <= last; b++) {
      const w = wave(b, index);
      if (!w) { pen.lineTo(x(start[b], width), middle); pen.lineTo(x(start[b + 1], width), middle); continue; }
      for (let i = 0; i < w[0].length; i++) pen.lineTo(x(start[b] + w[0][i], width), middle - w[1][i] * w[2] * unit);
    }
    pen.stroke();
  }

  function envelope(first, last, index, width, height) {
    const [middle, half] = lane(index, height), unit = half / (size[index] || 1);
    const low = new Float32Array(Math.ceil(width) + 1), high = new Float32Array(Math.ceil(width) + 1);
    for (let b = first; b <= last; b++) {
      let bottom = 0, top = 0;
      if (index === 0) { if (rf[b] >= 0) top = Math.max(...meta.rf[rf[b]][1]); }
      else if (index === 4) { if (adc[b] >= 0) top = 1; }
      else {
        const g = gradient[3 * b + index - 1], s = scale[3 * b + index - 1];
        if (g >= 0) { bottom = Math.min(s * peaks[g][0], s * peaks[g][1]); top = Math.max(s * peaks[g][0], s * peaks[g][1]); }
      }
      const i = Math.max(0, Math.min(Math.floor(x(start[b], width)), Math.floor(width)));
      const j = Math.max(0, Math.min(Math.floor(x(start[b + 1], width)), Math.floor(width)));
      for (let k = i; k <= j; k++) { if (bottom < low[k]) low[k] = bottom; if (top > high[k]) high[k] = top; }
    }
    for (let k = left; k < width; k++) if (high[k] || low[k]) pen.fillRect(k, middle - high[k] * unit, 1, Math.max(1, (high[k] - low[k]) * unit));
  }

  function ticks(width, height) {
    const span = to - from, step = 10 ** Math.floor(Math.log10(span / 4)), each = step * (span / step > 20 ? 5 : span / step > 10 ? 2 : 1);
    const [factor, unit] = span < 2e-3 ? [1e6, "µs"] : span < 2 ? [1e3, "ms"] : [1, "s"];
    pen.fillStyle = shade("--soft"); pen.font = "11px system-ui, sans-serif"; pen.textAlign = "center";
    for (let t = Math.ceil(from / each) * each; t <= to; t += each) {
      pen.fillRect(x(t, width), height - 20, 1, 4);
      pen.fillText(`${+(t * factor).toPrecision(9)} ${unit}`, x(t, width), height - 5);
    }
  }

  const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(name) || "#555";

  function draw() {
    queued = false;
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio)) { canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const first = find(from), last = Math.min(find(to), n - 1), began = performance.now();
    lanes.forEach(([label, colour], index) => {
      const [middle] = lane(index, height);
      pen.fillStyle = shade("--line"); pen.fillRect(left, middle, width - left, 1);
      pen.strokeStyle = pen.fillStyle = colour; pen.lineWidth = 1.2;
      pen.save(); pen.beginPath(); pen.rect(left, 0, width - left, height); pen.clip();
      (last - first < 2000 ? exact : envelope)(first, last, index, width, height);
      pen.restore();
      pen.fillStyle = shade("--ink"); pen.font = "11px system-ui, sans-serif"; pen.textAlign = "right"; pen.fillText(label, left - 8, middle + 4);
    });
    ticks(width, height);
    canvas.dataset.blocks = String(last - first + 1);
    canvas.dataset.milliseconds = (performance.now() - began).toFixed(1);
  }
  const later = () => { if (!queued) { queued = true; requestAnimationFrame(draw); } };
  function show(a, b) {
    const span = Math.min(Math.max(b - a, 1e-6), total);
    from = Math.min(Math.max(a, 0), total - span); to = from + span; later();
  }
  const zoom = (factor, at) => show(at - (at - from) * factor, at + (to - at) * factor);
  const timeAt = (event) => from + (event.offsetX - left) / (canvas.clientWidth - left) * (to - from);
  const go = (b) => { if (b >= 0 && b < n) show(start[b] - 2 * duration[b], start[b + 1] + 2 * duration[b]); };

  canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(e.deltaY * 0.0015), timeAt(e)); }, { passive: false });
  canvas.addEventListener("dblclick", () => show(0, total));
  let held = null;
  canvas.addEventListener("pointerdown", (e) => { held = timeAt(e); canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointermove", (e) => {
    if (held !== null) { const move = held - timeAt(e); show(from + move, to + move); return; }
    const b = find(timeAt(e)), r = row[b];
    const events = [rf[b] >= 0 ? `RF, phase ${(phase[b] * 180 / Math.PI).toFixed(1)}°` : "", adc[b] >= 0 ? `readout ${r + 1}` : ""].filter(Boolean).join(", ");
    const labels = r < 0 ? "" : meta.counters.map((name, i) => [name, counters[i * rows + r]]).filter(([, v]) => v).map(([k, v]) => `${k} ${v}`).join(", ");
    tip.textContent = `block ${b + 1} of ${n}, ${(start[b] * 1e3).toFixed(3)} to ${(start[b + 1] * 1e3).toFixed(3)} ms${events ? ": " + events : ""}${labels ? " (" + labels + ")" : ""}`;
  });
  canvas.addEventListener("keydown", (e) => {
    const span = to - from, moves = { ArrowLeft: -0.2, ArrowRight: 0.2 };
    if (e.key in moves) show(from + moves[e.key] * span, to + moves[e.key] * span);
    if (e.key === "+" || e.key === "-") zoom(e.key === "+" ? 0.5 : 2, (from + to) / 2);
  });
  document.getElementById("sequence-block").addEventListener("change", (e) => go(+e.target.value - 1));
  document.getElementById("sequence-readout").addEventListener("change", (e) => go(readout[+e.target.value - 1] ?? -1));
  document.getElementById("sequence-all").addEventListener("click", () => show(0, total));
  new ResizeObserver(later).observe(canvas);
  draw();
})();
