// The page: a section for each question that one has of a run.
const GOOD = ["local Nash", "stable", "finished"];

const statusText = (run) => {
  const of = run.steps ? ` of ${run.steps.toLocaleString("en")}` : "";
  const alive = run.held ? "in progress" : run.held === null ? "in progress, or its process was killed" : "its process has ended without a word";
  const words = { running: `${alive}: step ${run.step.toLocaleString("en")}${of}`,
    not_finite: "stopped: not finite", unknown: "its summary is missing" };
  return words[run.status] ?? run.status;
};

const swatch = (index) => el("span", { class: "swatch", "aria-hidden": "true",
  style: `border-top: 3px ${["solid", "dashed", "dotted"][index % 3]} ${colourOf(index)}` });

const controls = (groups, runs, state, change) => {
  const radio = (value, text) => el("label", {}, el("input", { type: "radio", name: "x", value, checked: state.x === value,
    onchange: () => { state.x = value; state.zoom.range = null; change(); } }), ` ${text}`);
  const box = (checked, text, set, more = []) => el("label", {}, el("input", { type: "checkbox", checked,
    onchange: (event) => { set(event.target.checked); change(); } }), " ", ...more, text);
  const several = groups.some((group) => runs.filter((run) => run.group === group).length > 1);
  const toggle = (group) => (on) => runs.filter((run) => run.group === group).forEach((run) => (on ? state.shown.add(run.name) : state.shown.delete(run.name)));
  return el("div", { class: "controls" },
    el("fieldset", {}, el("legend", {}, "over"), radio("step", "steps"), radio("seconds", "seconds of training")),
    el("fieldset", { id: "legend" }, el("legend", {}, "show"), groups.map((group, i) => box(true, group, toggle(group), [swatch(i)])),
      several ? box(state.each, "each seed", (on) => { state.each = on; }) : null));
};

const aboutSection = (data, state) => {
  const status = (run) => [run.name, statusText(run) + (run.reason ? `: ${run.reason}` : "")];
  const columns = [
    { title: "run", value: (run) => run.name, show: (run) => el("span", { class: "name" }, run.name) },
    { title: "method", value: (run) => run.group },
    { title: "seed", value: (run) => run.seed, number: true },
    { title: "status", value: (run) => run.status, show: (run) => el("span", { class: run.status === "finished" ? "good" : "bad" }, statusText(run)) },
    { title: "steps", value: (run) => run.step, number: true },
    { title: "seconds", value: (run) => run.summary.seconds ?? null, number: true },
    ...[...new Set(data.runs.flatMap((run) => Object.keys(run.scores)))].map((name) => (
      { title: name, value: (run) => (run.scores[name] ? last(run.scores[name].value) : null), number: true })),
    { title: "norm of v", value: (run) => (run.curves["norm of v"] ? last(run.curves["norm of v"].value) : null), number: true },
    { title: "verdict", value: (run) => run.verdict?.name ?? "" },
  ];
  const scored = [...new Set(data.runs.map((run) => run.scored).filter(Boolean))];
  const missing = data.runs.filter((run) => run.missing.length || run.reason);
  return section("summary", data.runs.length === 1 ? "What was run" : `${data.runs.length} runs`,
    sortableTable(columns, data.runs, { id: "runs", caption: "runs, with their last scores; sort by a column's name", order: state.sorted.runs }),
    scored.length ? el("p", { class: "soft small" }, `Scores: ${scored.join("; ")}.`) : null,
    missing.length ? el("div", { class: "card missing" }, el("h3", {}, "What is missing"),
      el("ul", {}, missing.map((run) => el("li", {}, el("b", {}, run.name), ": ", [...run.missing, ...(run.reason ? [status(run)[1]] : [])].join("; "))))) : null);
};

const chartGrid = (titles, entriesOf, groups, state) => {
  const nodes = titles.map((title) => el("div", { class: "chart", "data-title": title, role: "img", "aria-label": `${title}, over steps or seconds` }));
  return { grid: el("div", { class: "charts" }, nodes), start: () => nodes.forEach((node, i) => curveChart(node, titles[i], entriesOf, groups, state)) };
};

const titlesOf = (data, key) => [...new Set(data.runs.flatMap((run) => Object.keys(run[key])))];

const curvesSections = (data, groups, state) => {
  const part = (key) => chartGrid(titlesOf(data, key),
    (title) => data.runs.filter((run) => run[key][title]).map((run) => ({ run, curve: run[key][title] })), groups, state);
  const losses = part("curves"), scores = part("scores");
  const some = (key, grid, text) => (titlesOf(data, key).length ? grid.grid : el("p", { class: "soft" }, text));
  const node = section("curves", "Losses, norms and scores", controls(groups, data.runs, state, redrawAll),
    some("curves", losses, "No losses are logged."), el("h3", {}, "Scores"), some("scores", scores, "No scores: nothing was evaluated."));
  return { node, start: () => { losses.start(); scores.start(); } };
};

const samplesSection = (data, address) => {
  const stepsOf = () => [...new Set(data.runs.flatMap((run) => run.samples.map((sample) => sample.step)))].sort((a, b) => a - b);
  if (!stepsOf().length) return { node: section("samples", "Samples", el("p", { class: "soft" }, "No pictures of samples.")), grow: () => {} };
  const figures = data.runs.map((run) => sampleFigure(run, address));
  const slider = stepSlider("samples-step", stepsOf(), (step) => step.toLocaleString("en"), (step) => figures.forEach((figure) => figure.show(step)));
  slider.move();
  const node = section("samples", "Samples", el("p", { class: "soft small" }, "Always of the same latents. A run without a picture at a step shows the one before."),
    slider.node, el("div", { class: "figures" }, figures.map((figure) => figure.node)));
  return { node, grow: () => slider.lengthen(stepsOf()) };
};

const spectraSection = (data) => {
  const runs = data.runs.filter((run) => run.spectra.length);
  if (!runs.length) {
    const hint = "No eigenvalues: train with diagnose.every, or run nashgrad diagnose.";
    return { node: section("spectra", "Eigenvalues of v' and w'", el("p", { class: "soft" }, hint)), start: () => {}, grow: () => {} };
  }
  const place = el("div", {}), choice = el("select", { id: "spectra-run", onchange: () => start() }, runs.map((run) => el("option", {}, run.name)));
  let slider = null;
  const looks = () => runs[choice.selectedIndex].spectra;
  const start = () => {
    const nodes = ["first", "second"].map((name) => el("div", { class: "chart plane", "data-map": name }));
    slider = stepSlider("spectra-step", looks(), (look) => `${look.step.toLocaleString("en")} (${look.source})`, (look) => {
      const maps = Object.entries(look.maps);
      nodes.forEach((node, i) => {
        node.hidden = i >= maps.length;
        if (maps[i]) planeChart(node, maps[i][0], maps[i][1]);
      });
    });
    place.replaceChildren(slider.node, el("div", { class: "charts" }, nodes));
    slider.move();
  };
  const node = section("spectra", "Eigenvalues of v' and w'",
    el("p", { class: "soft small" }, "A fixed point is stable when all stand left of the axis; large imaginary parts beside small real ones rotate. While training, the outermost on one batch."),
    el("label", { class: "choice" }, "run ", choice), place);
  return { node, start, grow: () => slider.lengthen(looks()) };
};

const verdictSection = (data) => {
  const cards = data.runs.filter((run) => run.verdict).map((run) => {
    const { name, step, evidence, advice, numbers } = run.verdict;
    const list = (title, texts) => (texts.length ? [el("h4", {}, title), el("ul", {}, texts.map((text) => el("li", {}, text)))] : []);
    return el("article", { class: "card verdict" }, el("h3", {}, `${run.name}, step ${step.toLocaleString("en")}: `,
      el("span", { class: GOOD.some((good) => name.includes(good)) ? "good" : "bad" }, name)),
      list("because", evidence), list("try", advice), pairTable(Object.entries(numbers)));
  });
  const without = data.runs.filter((run) => !run.verdict).map((run) => run.path);
  return section("verdict", "Why it does, or does not, converge", el("div", { class: "cards" }, cards),
    without.length ? el("details", { open: !cards.length }, el("summary", {}, `Not diagnosed: ${without.length} of ${data.runs.length}`),
      el("pre", {}, without.map((path) => `nashgrad diagnose ${quoted(path)}`).join("\n"))) : null);
};

const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

const costSection = (data, state) => {
  const keys = [...new Set(data.runs.flatMap((run) => Object.keys(run.costs)))];
  const columns = [{ title: "run", value: (run) => run.name }, ...keys.map((key) => ({ title: key, value: (run) => run.costs[key] ?? null, number: true }))];
  return section("cost", "What a step costs", sortableTable(columns, data.runs, { id: "costs", caption: "costs of a step", order: state.sorted.costs }));
};

const setupSection = (data) => {
  const names = data.runs.map((run) => run.name);
  const table = (rows, caption) => {
    const apart = rows.filter((row) => row.differs), same = rows.filter((row) => !row.differs);
    return [names.length > 1 ? (apart.length ? keyTable(apart, names, `${caption} that differ`) : el("p", { class: "soft" }, "All runs agree.")) : null,
      el("details", {}, el("summary", {}, names.length > 1 ? `${same.length} keys on which all agree` : `all ${same.length} keys`),
        keyTable(same.map((row) => ({ ...row, values: row.values.slice(0, 1), unusual: [] })), [names.length > 1 ? "all" : "value"], caption))];
  };
  return section("setup", "Configuration and environment", names.length > 1 ? el("p", { class: "soft small" }, "Marked: where a run differs from most others.") : null,
    el("h3", {}, "Configuration"), table(data.config, "Configuration keys"), el("h3", {}, "Environment"), table(data.environment, "Facts of the environment"));
};

const againSection = (data) => section("again", "How to reproduce",
  el("p", {}, "The commands that were given, and, from each run's own configuration, one that makes it again elsewhere:"),
  el("pre", {}, data.runs.map((run) => `# ${run.name}\n${run.command ?? "# its command is not known"}\nnashgrad train ${quoted(`${run.path}/config.yaml`)} --out ${quoted(`${run.path}-again`)}`).join("\n\n")));

const NAV = { summary: "Runs", curves: "Curves", samples: "Samples", spectra: "Eigenvalues", verdict: "Verdict", cost: "Cost", setup: "Configuration", again: "Reproduce" };

// Draws all of it. `address(run, sample)` says where a picture is; `state` keeps what the reader chose.
// Returns a function that takes newer data of the same runs and changes what changed.
const showReport = (root, data, { state = newState(data), address = (run, sample) => sample.image } = {}) => {
  const groups = [...new Set(data.runs.map((run) => run.group))];
  const curves = curvesSections(data, groups, state), samples = samplesSection(data, address), spectra = spectraSection(data);
  const plain = () => [aboutSection(data, state), verdictSection(data), costSection(data, state), setupSection(data), againSection(data)];
  const [about, ...rest] = plain();
  root.replaceChildren(
    el("h1", {}, data.runs.length === 1 ? data.runs[0].name : groups.join(" · ")),
    el("p", { class: "soft small" }, `nashgrad ${data.version}, ${data.made}.`, data.notes.length ? ` Here ${data.notes.join("; ")}.` : ""),
    about, curves.node, samples.node, spectra.node, ...rest);
  document.getElementById("nav").replaceChildren(...Object.entries(NAV).map(([id, text]) => el("a", { href: `#${id}` }, text)));
  curves.start();
  spectra.start();
  root.dataset.ready = "yes";
  return (newer) => {
    newer.runs.forEach((run, i) => Object.assign(data.runs[i], run));
    Object.assign(data, { config: newer.config, environment: newer.environment, notes: newer.notes, made: newer.made });
    plain().forEach(replacePart);
    redrawAll();
    samples.grow();
    spectra.grow();
  };
};

const newState = (data) => ({ x: "step", each: true, zoom: { range: null, busy: false }, sorted: { runs: {}, costs: {} }, shown: new Set(data.runs.map((run) => run.name)) });
