// How it went: charts of losses, norms and scores, and what is shown of them.
const PATTERNS = { solid: "", dash: "7 3", dot: "2 3", dashdot: "7 3 2 3", longdash: "12 4", longdashdot: "12 4 2 4" };
const swatch = (index) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS(svg.namespaceURI, "line");
  const drawn = { x1: 0, x2: 28, y1: 5, y2: 5, "stroke-width": 3, "stroke-dasharray": PATTERNS[dashOf(index)] };
  for (const [name, value] of Object.entries(drawn)) line.setAttribute(name, value);
  line.style.stroke = colourOf(index);
  svg.setAttribute("class", "swatch");
  svg.setAttribute("aria-hidden", "true");
  svg.append(line);
  return svg;
};

const axisChoice = (state, change) => {
  const radio = (value, text) => el("label", {}, el("input", { type: "radio", name: "x", value, checked: state.x === value,
    onchange: () => { state.x = value; state.zoom.range = null; change(); } }), ` ${text}`);
  return el("fieldset", {}, el("legend", {}, "over"), radio("step", "steps"), radio("seconds", "seconds of training"));
};

const shownChoice = (groups, runs, state, change) => {
  const box = (checked, text, set, more = []) => el("label", {}, el("input", { type: "checkbox", checked,
    onchange: (event) => { set(event.target.checked); change(); } }), " ", ...more, text);
  const its = (group) => runs.filter((run) => run.group === group);
  const toggle = (group) => (on) => its(group).forEach((run) => (on ? state.shown.add(run.name) : state.shown.delete(run.name)));
  const several = groups.some((group) => its(group).length > 1);
  return el("fieldset", { id: "legend" }, el("legend", {}, "show"),
    groups.map((group, i) => box(its(group).some((run) => state.shown.has(run.name)), group, toggle(group), [swatch(i)])),
    several ? box(state.each, "each seed", (on) => { state.each = on; }) : null);
};

const zoomChoice = (state) => {
  const field = (name) => el("input", { type: "number", id: `zoom-${name}`, min: 0, step: "any", placeholder: name === "from" ? "first" : "last", oninput: () => zoom() });
  const from = field("from"), to = field("to");
  const zoom = () => {
    const [low, high] = [from, to].map((input) => (input.value === "" ? null : Number(input.value)));
    zoomTo(state.zoom, high !== null && high > (low ?? 0) ? [low ?? 0, high] : null);
  };
  state.zoom.told = (range) => { [from.value, to.value] = range ? range.map((x) => String(Number(x.toPrecision(6)))) : ["", ""]; };
  state.zoom.told(state.zoom.range);
  return el("fieldset", {}, el("legend", {}, "zoom"), el("label", {}, "from ", from), el("label", {}, "to ", to));
};

const chartGrid = (data, key, groups, state) => {
  const titles = titlesOf(data, key);
  const entriesOf = (title) => data.runs.filter((run) => Object.hasOwn(run[key], title)).map((run) => ({ run, curve: run[key][title] }));
  const nodes = titles.map((title) => el("div", { class: "chart", "data-title": title, role: "img", "aria-label": `${title}, over steps or seconds` }));
  const start = () => nodes.forEach((node, i) => curveChart(node, titles[i], entriesOf, (title) => data.charts[key][title], groups, state));
  return { node: titles.length ? el("div", { class: "charts" }, nodes) : null, start };
};

const curvesSection = (data, groups, state) => {
  const losses = chartGrid(data, "curves", groups, state), scores = chartGrid(data, "scores", groups, state);
  const change = () => { state.zoom.told(state.zoom.range); redrawAll(); };
  const nothing = (text) => el("p", { class: "soft" }, text);
  const node = section("curves", "Losses, norms and scores",
    el("div", { class: "controls" }, axisChoice(state, change), shownChoice(groups, data.runs, state, redrawAll), zoomChoice(state)),
    losses.node ?? nothing("No losses are logged."), el("h3", {}, "Scores"), scores.node ?? nothing("No scores: nothing was evaluated."));
  return { node, start: () => { losses.start(); scores.start(); } };
};
