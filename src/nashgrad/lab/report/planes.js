// What the eigenvalues do: one run's v' and w' by step.
const SOURCES = ["outermost, on one batch", "diagnosis"];
const NO_LOOKS = "No eigenvalues: train with diagnose.every, or run nashgrad diagnose.";
const ABOUT_PLANES = "A fixed point is stable when all stand left of the axis; large imaginary parts beside small real ones rotate. While training, the outermost on one batch.";

const showMaps = (nodes, look) => {
  const maps = Object.entries(look.maps);
  nodes.forEach((node, i) => {
    node.hidden = i >= maps.length;
    if (maps[i]) planeChart(node, maps[i][0], maps[i][1]);
  });
};
const labelOf = (look) => `${look.step.toLocaleString("en")} (${look.source})`;
const orderOf = (look) => SOURCES.indexOf(look.source) * 1e13 + look.step;

const spectraSection = (data) => {
  const runs = data.runs.filter((run) => run.spectra.length), title = "Eigenvalues of v' and w'";
  if (!runs.length) return { node: section("spectra", title, el("p", { class: "soft" }, NO_LOOKS)), start: () => {}, grow: () => {} };
  const place = el("div", {}), choice = el("select", { id: "spectra-run", onchange: () => start() }, runs.map((run) => el("option", {}, run.name)));
  const many = Math.max(...runs.map((run) => run.spectra.length));
  choice.selectedIndex = runs.findIndex((run) => run.spectra.length === many);
  const looks = () => runs[choice.selectedIndex].spectra;
  let slider = null;
  const start = () => {
    const nodes = ["first", "second"].map((name) => el("div", { class: "chart plane", "data-map": name }));
    slider = stepSlider("spectra-step", looks(), labelOf, (look) => showMaps(nodes, look), orderOf);
    place.replaceChildren(slider.node, el("div", { class: "charts" }, nodes));
    slider.move();
  };
  const node = section("spectra", title, el("p", { class: "soft small" }, ABOUT_PLANES), el("label", { class: "choice" }, "run ", choice), place);
  return { node, start, grow: () => slider.lengthen(looks()) };
};
