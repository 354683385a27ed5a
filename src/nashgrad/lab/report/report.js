// The page: a section for each question that one has of runs.
const NAV = { summary: "Runs", curves: "Curves", samples: "Samples", spectra: "Eigenvalues", verdict: "Verdict", cost: "Cost", setup: "Configuration", again: "Reproduce" };

const newState = (data) => ({ x: "step", each: true, zoom: { range: null, busy: false }, sorted: { runs: {}, scorings: {}, costs: {} }, shown: new Set(data.runs.map((run) => run.name)) });

const aboutPage = (data) => el("p", { id: "about", class: "soft small" }, `nashgrad ${data.version}, ${data.made}.`, data.notes.length ? ` Here ${data.notes.join("; ")}.` : "");

// Draws all of it. `address(run, sample)` says where a picture is; `state` keeps what the reader chose; `heading` is the level of its title.
// Returns a function that takes newer data of the same runs and changes what changed.
const showReport = (root, data, { state = newState(data), address = (run, sample) => sample.image, heading = "h1" } = {}) => {
  const groups = [...new Set(data.runs.map((run) => run.group))];
  const curves = curvesSection(data, groups, state), samples = samplesSection(data, address), spectra = spectraSection(data);
  const parts = () => [aboutPage(data), runsSection(data, state), verdictSection(data), costSection(data, state), setupSection(data), againSection(data)];
  const [about, runs, ...rest] = parts();
  const title = el(heading, { class: "title" }, data.runs.length === 1 ? data.runs[0].name : groups.join(" · "));
  root.replaceChildren(title, about, runs, curves.node, samples.node, spectra.node, ...rest);
  document.getElementById("nav").replaceChildren(...Object.entries(NAV).map(([id, text]) => el("a", { href: `#${id}` }, text)));
  curves.start();
  spectra.start();
  root.dataset.ready = "yes";
  return (newer) => {
    newer.runs.forEach((run, i) => Object.assign(data.runs[i], run));
    Object.assign(data, { ...newer, runs: data.runs });
    parts().forEach(replacePart);
    redrawAll();
    samples.grow();
    spectra.grow();
  };
};
