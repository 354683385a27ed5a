// The live page: a list of runs that is asked for every two seconds, and the report of those that are ticked.
const EVERY = 2000, TICKED_AT_FIRST = 4;
const view = { runs: [], ticked: null, filter: "", order: {}, shown: "", marks: "", update: null, report: null };

const ask = async (address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.json();
};
const say = (text) => {
  const state = document.getElementById("state");
  if (state.textContent !== text) state.textContent = text;
};
const ago = (then) => {
  const seconds = Math.max(0, Date.now() / 1000 - then);
  return seconds < 90 ? `${Math.round(seconds)} s ago` : seconds < 5400 ? `${Math.round(seconds / 60)} min ago` : seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
};

const listColumns = () => [
  { title: "run", value: (run) => run.name, show: (run) => el("label", {}, el("input", { type: "checkbox", checked: view.ticked.has(run.id),
    onchange: (event) => { if (event.target.checked) view.ticked.add(run.id); else view.ticked.delete(run.id); refreshReport(); } }), " ", run.name) },
  { title: "status", value: (run) => statusText(run) },
  { title: "progress", value: (run) => (run.steps ? run.step / run.steps : null), show: (run) => (run.steps
    ? el("span", {}, el("progress", { max: 1, value: Math.min(1, run.step / run.steps), "aria-label": `progress of ${run.name}` }), ` ${Math.floor((100 * run.step) / run.steps)} %`)
    : el("span", {}, "")) },
  { title: "step", value: (run) => run.step, number: true },
  { title: "norm of v", value: (run) => run.norm, number: true },
  { title: "changed", value: (run) => -run.changed, show: (run) => el("span", {}, ago(run.changed)) },
  { title: "newest samples", value: (run) => run.sample, show: (run) => (run.sample === null ? el("span", {}, "")
    : el("img", { src: `/image/${run.id}/${run.sample}`, alt: `samples of ${run.name} at step ${run.sample}` })) },
];

const drawList = () => {
  const runs = view.runs.filter((run) => run.name.toLowerCase().includes(view.filter.toLowerCase()));
  const table = sortableTable(listColumns(), runs, { id: "live-runs", caption: "runs; tick those to compare", order: view.order });
  const part = el("div", { id: "list-table" }, runs.length ? table : el("p", { class: "soft" }, view.runs.length ? "No run has this in its name." : "No runs yet."));
  if (document.getElementById("list-table")) replacePart(part);
  else document.getElementById("list").replaceChildren(
    el("div", { class: "find" }, el("label", {}, "find ", el("input", { type: "text", id: "find", oninput: (event) => { view.filter = event.target.value; drawList(); } })),
      el("button", { type: "button", id: "none", onclick: () => { view.ticked.clear(); drawList(); refreshReport(); } }, "untick all")), part);
};

const address = (run, sample) => `/image/${run.id}/${sample.step}`;
// When this changes the page is drawn anew; else its numbers, curves and sliders grow in place.
const shapeOf = (data) => JSON.stringify(data.runs.map((run) => [run.id, run.group, Object.keys(run.curves), Object.keys(run.scores), !!run.samples.length, !!run.spectra.length]));

const drawReport = (data) => {
  const root = document.getElementById("report"), shape = shapeOf(data);
  if (!data.runs.length) {
    root.replaceChildren(el("p", { class: "soft" }, view.runs.length ? "Tick a run to see its curves, samples and eigenvalues." : ""));
    document.getElementById("nav").replaceChildren();
    view.shown = "";
    return;
  }
  if (shape === view.shown) return view.update(data);
  const kept = view.report, top = scrollY, state = newState(data);
  if (kept) Object.assign(state, { x: kept.x, each: kept.each, sorted: kept.sorted });
  view.report = state;
  view.update = showReport(root, data, { state, address });
  view.shown = shape;
  scrollTo({ top, behavior: "instant" });
};

const chosen = () => view.runs.filter((run) => view.ticked.has(run.id))
  .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })).map((run) => run.id);
const refreshReport = async () => {
  const ids = chosen(), marks = JSON.stringify(view.runs.filter((run) => view.ticked.has(run.id)).map((run) => [run.id, run.step, run.status, run.held, run.sample, run.changed]));
  if (marks === view.marks) return;
  try {
    const data = ids.length ? await ask(`/api/data?${ids.map((id) => `run=${encodeURIComponent(id)}`).join("&")}`) : { runs: [] };
    if (JSON.stringify(ids) !== JSON.stringify(chosen())) return refreshReport(); // ticked anew meanwhile
    drawReport(data);
    view.marks = marks;
  } catch (error) {
    say(`${error.message}; trying again`);
  }
};

const look = async () => {
  const { runs } = await ask("/api/runs");
  const known = new Set(view.runs.map((run) => run.id));
  view.ticked ??= new Set(runs.slice(0, TICKED_AT_FIRST).map((run) => run.id));
  const gone = view.runs.filter((run) => !runs.some((other) => other.id === run.id)).map((run) => run.name);
  view.runs = runs;
  drawList();
  const training = runs.filter((run) => run.status === "running" && run.held !== false).length;
  const news = gone.length ? `; deleted: ${gone.join(", ")}` : runs.some((run) => known.size && !known.has(run.id)) ? "; a new one came" : "";
  say(`${runs.length} ${runs.length === 1 ? "run" : "runs"}, ${training} in training${news}`);
  await refreshReport();
};

const watch = async () => {
  for (;;) {
    if (!document.hidden) {
      try { await look(); } catch (error) { say(`no answer from the server (${error.message}); trying again`); }
    }
    await new Promise((done) => setTimeout(done, EVERY));
  }
};
