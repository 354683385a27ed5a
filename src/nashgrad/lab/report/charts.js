// Charts by Plotly: curves with bands over seeds, and eigenvalues in the plane.
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
const charts = new Set();

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => document.documentElement.dataset.theme === "dark";
// Black is the palette's last colour; on dark paper it is white.
const colourOf = (index) => {
  const colour = PALETTE[index % PALETTE.length];
  return colour === "#000000" && isDark() ? "#ffffff" : colour;
};
const dashOf = (index) => DASHES[index % DASHES.length];
const faint = (colour, share) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${share})`;
};

// Plotly takes titles and names for a kind of HTML; what comes from files is text.
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const axis = (title, more = {}) => ({
  title: { text: title, standoff: 6, font: { size: 12 } }, gridcolor: css("--line"), linecolor: css("--soft"),
  zerolinecolor: css("--line"), tickcolor: css("--soft"), automargin: true, exponentformat: "power", ...more,
});

const layoutOf = (title, x, y, more = {}) => ({
  title: { text: plain(title), font: { size: 14 }, x: 0, xanchor: "left", xref: "paper", y: 0.985, yanchor: "top" },
  font: { family: css("--font"), size: 12, color: css("--ink") }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
  margin: { l: 8, r: 8, t: 34, b: 8 }, xaxis: x, yaxis: y, showlegend: false, hovermode: "closest",
  hoverlabel: { font: { family: css("--font") }, namelength: -1 }, ...more,
});

// A chart remembers how it is made, so that a theme or an axis can change it, and is drawn when it comes near the window.
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) { near.unobserve(target); redraw(target); }
}, { rootMargin: "500px" });

const draw = (node, make, zoom = null) => {
  Object.assign(node, { make, zoom });
  charts.add(node);
  if (node.classList.contains("drawn")) redraw(node); else near.observe(node);
};
const redraw = (node) => {
  const { traces, layout } = node.make();
  if (node.zoom?.range) layout.xaxis.range = node.zoom.range;
  Plotly.react(node, traces, layout, CONFIG);
  if (node.classList.contains("drawn")) return;
  node.classList.add("drawn");
  if (node.zoom) node.on("plotly_relayout", (change) => zoomAll(node, change));
};
const forget = (node) => {
  charts.delete(node);
  near.unobserve(node);
  Plotly.purge(node);
};
const eachChart = (act) => {
  for (const node of charts) if (node.isConnected) act(node); else forget(node);
};
const redrawAll = () => eachChart((node) => node.classList.contains("drawn") && redraw(node));
const drawAll = () => eachChart(redraw); // for paper, and for whoever looks at all of them
document.addEventListener("theme", redrawAll);
addEventListener("beforeprint", drawAll);

// Zooming one chart along x zooms all that show the same quantity, also those that are drawn later.
const zoomAll = (from, change) => {
  const range = change["xaxis.range"] ?? (change["xaxis.range[0]"] === undefined ? null : [change["xaxis.range[0]"], change["xaxis.range[1]"]]);
  const { zoom } = from;
  if (zoom.busy || (!range && !change["xaxis.autorange"])) return;
  Object.assign(zoom, { busy: true, range });
  const update = range ? { "xaxis.range": range } : { "xaxis.autorange": true };
  zoom.told?.(range);
  const others = [...charts].filter((n) => n.zoom === zoom && n !== from && n.classList.contains("drawn"));
  Promise.all(others.map((n) => Plotly.relayout(n, update))).finally(() => { zoom.busy = false; });
};

// The same from the keyboard: all charts between two places, or all that there is.
const zoomTo = (zoom, range) => {
  Object.assign(zoom, { busy: true, range });
  const update = range ? { "xaxis.range": range } : { "xaxis.autorange": true };
  const drawn = [...charts].filter((n) => n.zoom === zoom && n.classList.contains("drawn"));
  Promise.all(drawn.map((n) => Plotly.relayout(n, update))).finally(() => { zoom.busy = false; });
};

const lineOf = (run, curve, key, colour, alone, dash) => ({
  type: "scatter", mode: curve.value.length > 1 ? "lines" : "markers", name: plain(run.name), x: curve[key], y: curve.value,
  line: { color: alone ? colour : faint(colour, 0.45), width: alone ? 1.8 : 0.9, dash: alone ? dash : "solid" },
  marker: { color: colour, size: 7 }, connectgaps: false, meta: { run: run.name },
  hovertemplate: `%{y:.5g} at %{x:,}<extra>%{fullData.name}</extra>`,
});

// The places of a band that follow each other without a gap.
const stretches = (band) => {
  const found = [];
  band.low.forEach((low, i) => {
    if (low === null) return;
    if (i && band.low[i - 1] !== null && found.length) found.at(-1).push(i);
    else found.push([i]);
  });
  return found;
};
const ground = (band, at, group, colour) => ({
  type: "scatter", mode: "lines", x: [...at, ...[...at].reverse()].map((i) => band.x[i]),
  y: [...at.map((i) => band.high[i]), ...[...at].reverse().map((i) => band.low[i])],
  fill: "toself", fillcolor: faint(colour, 0.16), line: { width: 0 }, hoverinfo: "skip", meta: { band: group },
});
const bandTraces = (group, band, colour, dash) => [
  ...stretches(band).map((at) => ground(band, at, group, colour)),
  { type: "scatter", mode: "lines", name: `median of ${plain(group)}`, x: band.x, y: band.mid, line: { color: colour, width: 2.4, dash },
    connectgaps: false, hovertemplate: `%{y:.5g} at %{x:,}<extra>%{fullData.name}</extra>`, meta: { median: group } },
];

// Powers of ten where there are two of them; within a decade Plotly's own.
const logTicks = (entries) => {
  const sizes = entries.flatMap((entry) => entry.curve.value).filter((value) => value > 0);
  const decades = sizes.length ? Math.log10(sizes.reduce((a, b) => Math.max(a, b)) / sizes.reduce((a, b) => Math.min(a, b))) : 0;
  return decades > 1.5 ? { dtick: 1 } : {};
};

// One quantity over steps or seconds: a line for each run, and for runs that differ in their seed only their median and band.
const curveChart = (node, title, entriesOf, aboutOf, groups, state) => draw(node, () => {
  const key = state.x, traces = [], entries = entriesOf(title), { scale, bands } = aboutOf(title);
  groups.forEach((group, index) => {
    const its = entries.filter((entry) => entry.run.group === group && state.shown.has(entry.run.name));
    if (!its.length) return;
    const colour = colourOf(index), band = Object.hasOwn(bands, group) ? bands[group][key] : null;
    if (!band || state.each) traces.push(...its.map(({ run, curve }) => lineOf(run, curve, key, colour, !band, dashOf(index))));
    if (band) traces.push(...bandTraces(group, band, colour, dashOf(index)));
  });
  const x = axis(key === "step" ? "step" : "seconds of training", { rangemode: "tozero", separatethousands: true });
  const y = axis("", scale === "log" ? { type: "log", ...logTicks(entries) } : { type: "linear", nticks: 6 });
  return { traces, layout: layoutOf(title, x, y, { uirevision: key }) };
}, state.zoom);

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
