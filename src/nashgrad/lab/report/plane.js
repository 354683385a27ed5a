// A chart of eigenvalues in the complex plane.
// Eigenvalues: linear axes, or logarithmic ones on both sides of zero beyond a threshold.
const bent = (t) => (x) => (t === null ? x : Math.abs(x) <= t ? x / t : Math.sign(x) * (1 + Math.log10(Math.abs(x) / t)));
const bentTicks = (t, low, high) => {
  if (t === null) return {};
  const first = Math.round(Math.log10(t)), end = Math.floor(Math.log10(Math.max(Math.abs(low), Math.abs(high))));
  const stride = Math.max(1, Math.round((end - first) / 2)), powers = [];
  for (let power = end; power >= first; power -= stride) powers.push(10 ** power);
  const ticks = [...powers.map((p) => -p).reverse().sort((a, b) => a - b), 0, ...powers.reverse()].filter((v) => v >= low && v <= high);
  const label = (v) => (v === 0 ? "0" : `${v < 0 ? "−" : ""}10<sup>${Math.round(Math.log10(Math.abs(v)))}</sup>`);
  return { tickvals: ticks.map(bent(t)), ticktext: ticks.map(label) };
};
const GROUPS = {
  stable: { symbol: "circle", colour: () => colourOf(0) }, unstable: { symbol: "diamond", colour: () => colourOf(1) },
  neutral: { symbol: "circle-open", colour: () => css("--soft") }, "on the axis": { symbol: "circle-open", colour: () => css("--ink") },
};

const planeChart = (node, title, map) => draw(node, () => {
  const [left, right, height, threshold] = map.region, bend = bent(threshold);
  const size = Math.min(9, Math.max(4, 11 - 2 * Math.log10(map.count)));
  const traces = map.groups.map((group) => ({
    type: "scatter", mode: "markers", name: `${group.real.length.toLocaleString("en")} ${group.name}`,
    x: group.real.map(bend), y: group.imag.map(bend), customdata: group.real.map((re, i) => [re, group.imag[i]]),
    marker: { symbol: GROUPS[group.name].symbol, color: GROUPS[group.name].colour(), size, line: { width: group.name === "stable" ? 0 : 1 } },
    hovertemplate: "%{customdata[0]:.4g} + %{customdata[1]:.4g} i<extra>%{fullData.name}</extra>", meta: { group: group.name },
  }));
  const outside = map.groups.flatMap((g) => g.real.map((re, i) => [re, g.imag[i]]))
    .filter(([re, im]) => re < left || re > right || Math.abs(im) > height).length;
  const ground = { type: "rect", xref: "x", yref: "paper", x0: bend(left), x1: 0, y0: 0, y1: 1, line: { width: 0 },
    fillcolor: isDark() ? "rgba(79,208,165,.09)" : "#E9F3EF", layer: "below" };
  const line = { type: "line", xref: "x", yref: "paper", x0: 0, x1: 0, y0: 0, y1: 1, line: { color: css("--soft"), width: 1 }, layer: "below" };
  const about = [map.complete ? null : `${map.count} eigenvalues, not all`, outside ? `${outside} outside` : null].filter(Boolean).join(", ");
  const x = axis(about ? `real part (${about})` : "real part", { range: [bend(left), bend(right)], zeroline: false, ...bentTicks(threshold, left, right) });
  const y = axis("imaginary part", { range: [bend(-height), bend(height)], ...bentTicks(threshold, -height, height) });
  const legend = { orientation: "h", x: 0, y: 1, yanchor: "bottom", font: { size: 11 } };
  return { traces, layout: layoutOf(title, x, y, { shapes: [ground, line], showlegend: true, legend, margin: { l: 8, r: 8, t: 84, b: 8 } }) };
});
