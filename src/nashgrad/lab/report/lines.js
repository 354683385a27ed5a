// A chart of curves: runs, and methods with their bands over seeds.
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
  return decades > 1.5 ? { dtick: 1 } : { dtick: "D2", tickformat: "~g" };
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
  const x = axis(key === "step" ? "step" : "seconds of training", { rangemode: "tozero", separatethousands: true, exponentformat: "none" });
  const y = axis("", scale === "log" ? { type: "log", ...logTicks(entries) } : { type: "linear", nticks: 6 });
  return { traces, layout: layoutOf(title, x, y, { uirevision: key }) };
}, state.zoom);
