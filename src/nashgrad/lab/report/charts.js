// Charts by Plotly: how they look, when they are drawn, and zoom that is common to them.
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

// All drawn charts but one between two places along x, or all that there is; those that are drawn later follow.
const zoomTo = (zoom, range, but = null) => {
  Object.assign(zoom, { busy: true, range });
  const update = range ? { "xaxis.range": range } : { "xaxis.autorange": true };
  const drawn = [...charts].filter((n) => n.zoom === zoom && n !== but && n.classList.contains("drawn"));
  Promise.all(drawn.map((n) => Plotly.relayout(n, update))).finally(() => { zoom.busy = false; });
};

// Zooming one chart along x zooms all that show the same quantity.
const zoomAll = (from, change) => {
  const range = change["xaxis.range"] ?? (change["xaxis.range[0]"] === undefined ? null : [change["xaxis.range[0]"], change["xaxis.range[1]"]]);
  const { zoom } = from;
  if (zoom.busy || (!range && !change["xaxis.autorange"])) return;
  zoom.told?.(range);
  zoomTo(zoom, range, from);
};
