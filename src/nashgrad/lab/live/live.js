// The live page: a list of runs that is asked for every two seconds, and the report of those that are ticked.
const EVERY = 2000, PATIENCE = 60000, TICKED_AT_FIRST = 4;
const view = {
  runs: [], more: 0, most: 0, ticked: null, news: "", problem: "", // the list
  data: null, shape: "", marks: "", state: null, update: null, asking: null, // the report
};

const ask = async (address) => {
  const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.json();
};

// It is read aloud when it changes, so it changes with what is so and not with each look.
const counted = (count, word) => `${count.toLocaleString("en")} ${count === 1 ? word : `${word}s`}`;
const tell = () => {
  const parts = [`${counted(view.runs.length, "run")}, ${view.runs.filter(isTraining).length} in training`];
  if (view.more) parts.push(`the newest of ${(view.runs.length + view.more).toLocaleString("en")}: ${counted(view.more, "older one")} left out`);
  const ticked = chosen().length;
  if (ticked > view.most) parts.push(`the first ${view.most} of the ${ticked} that are ticked are compared`);
  if (view.news) parts.push(view.news);
  setText(document.getElementById("state"), view.problem ? `no answer (${view.problem}); trying again` : parts.join("; "));
};

const tick = (id, on) => {
  if (id === null) view.ticked?.clear();
  else if (on) view.ticked.add(id);
  else view.ticked.delete(id);
  if (view.ticked) showList(view.runs, view.ticked);
  refreshReport().then(tell);
};
const showList = runList(document.getElementById("list"), tick);

// Always in the same order, whichever changed last.
const chosen = () => view.runs.filter((run) => view.ticked.has(run.id))
  .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
const compared = () => chosen().slice(0, view.most);

const address = (run, sample) => imageOf(run, sample.step, sample.version);
// When this changes the page is drawn anew; else its numbers, curves and sliders grow in place.
const shapeOf = (data) => JSON.stringify(data.runs.map((run) =>
  [run.id, run.name, run.group, Object.keys(run.curves), Object.keys(run.scores), !!run.samples.length, !!run.spectra.length]));

const drawNothing = () => {
  const hint = view.runs.length ? "Tick a run to see its curves, samples and eigenvalues." : "";
  document.getElementById("report").replaceChildren(el("p", { class: "soft" }, hint));
  document.getElementById("nav").replaceChildren();
  view.shape = "";
};
const drawAnew = (data) => {
  const places = view.shape ? placesOf(view.data) : null, state = keptState(data, view.state);
  view.data = data;
  view.update = showReport(document.getElementById("report"), data, { state, address, heading: "h2" });
  view.state = Object.assign(state, { known: data.runs.map((run) => run.name) });
  if (places) restorePlaces(data, places);
};
const drawReport = (data) => {
  if (!data.runs.length) return drawNothing();
  const shape = shapeOf(data);
  if (shape === view.shape) view.update(data); else drawAnew(data);
  view.shape = shape;
};

const dataOf = async (runs) => {
  if (!runs.length) return { runs: [] };
  return ask(`/api/data?${runs.map((run) => `run=${run.id}`).join("&")}`);
};
// One question at a time; when other runs were ticked meanwhile its answer is not shown, and asked anew.
const refresh = async () => {
  for (;;) {
    const runs = compared(), ids = String(runs.map((run) => run.id)), marks = JSON.stringify(runs.map((run) => [run.id, run.mark]));
    if (marks === view.marks) return;
    const data = await dataOf(runs);
    if (ids !== String(compared().map((run) => run.id))) continue;
    view.marks = marks;
    drawReport(data);
  }
};
const refreshReport = () => {
  const trouble = (error) => { view.problem = error.message; };
  view.asking ??= refresh().catch(trouble).finally(() => { view.asking = null; });
  return view.asking;
};

const newsOf = (before, runs) => {
  const gone = before.filter((run) => !runs.some((other) => other.id === run.id)).map((run) => run.name);
  if (gone.length) return gone.length > 3 ? `${gone.length} deleted` : `deleted: ${gone.join(", ")}`;
  const fresh = runs.filter((run) => before.length && !before.some((other) => other.id === run.id));
  return fresh.length ? `new: ${fresh.length > 3 ? fresh.length : fresh.map((run) => run.name).join(", ")}` : view.news;
};

const look = async () => {
  const { runs, more, most } = await ask("/api/runs");
  view.problem = "";
  view.ticked ??= new Set(runs.slice(0, TICKED_AT_FIRST).map((run) => run.id));
  view.news = newsOf(view.runs, runs);
  Object.assign(view, { runs, more, most });
  showList(runs, view.ticked);
  await refreshReport();
};

const watch = async () => {
  for (;;) {
    if (!document.hidden) {
      await look().catch((error) => { view.problem = error.message; });
      tell();
    }
    await new Promise((done) => setTimeout(done, EVERY));
  }
};
