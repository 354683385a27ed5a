// What the reader chose in a report, so that it is there again when the report is drawn anew: a score or a run came.
const looksOf = (data) => data.runs.filter((run) => run.spectra.length);
const samplesOf = (data) => [...new Set(data.runs.flatMap((run) => run.samples.map((sample) => sample.step)))].sort((a, b) => a - b);
const sliderPlace = (id, entries) => {
  const slider = document.getElementById(id), at = slider ? Number(slider.value) : -1;
  return slider && at < entries.length - 1 ? entries[at] : null; // at its end it follows
};

const placesOf = (data) => {
  const chosen = looksOf(data)[document.getElementById("spectra-run")?.selectedIndex ?? -1];
  return {
    run: chosen?.id, look: chosen ? sliderPlace("spectra-step", chosen.spectra) : null,
    sample: sliderPlace("samples-step", samplesOf(data)), focus: document.activeElement?.id, top: scrollY,
    open: [...document.querySelectorAll("#report details[open]")].map(titleOf),
  };
};
// A part that opens is known by its section and its first words: counts in it change.
const titleOf = (details) => `${details.closest("section")?.id} ${details.firstElementChild?.textContent.replace(/\d+/g, "")}`;

const setAndTell = (node, name, value, event) => {
  if (!node || value < 0 || node[name] === value) return;
  node[name] = value;
  node.dispatchEvent(new Event(event));
};
const moveTo = (id, entries, here, same) => {
  if (here !== null) setAndTell(document.getElementById(id), "value", String(entries.findLastIndex((entry) => same(entry))), "input");
};

const restorePlaces = (data, places) => {
  const runs = looksOf(data), at = runs.findIndex((run) => run.id === places.run);
  setAndTell(document.getElementById("spectra-run"), "selectedIndex", at, "change");
  const { look, sample } = places;
  if (at >= 0) moveTo("spectra-step", runs[at].spectra, look, (entry) => entry.step === look.step && entry.source === look.source);
  moveTo("samples-step", samplesOf(data), sample, (step) => step <= sample);
  for (const details of document.querySelectorAll("#report details")) if (places.open.includes(titleOf(details))) details.open = true;
  if (places.focus) document.getElementById(places.focus)?.focus({ preventScroll: true });
  scrollTo({ top: places.top, behavior: "instant" });
};

// The state of a report that is drawn anew: runs that are new are shown, and those that were hidden are not.
const keptState = (data, kept) => {
  const state = newState(data);
  if (!kept) return state;
  Object.assign(state, { x: kept.x, each: kept.each, sorted: kept.sorted });
  state.zoom.range = kept.zoom.range;
  for (const name of kept.known) if (!kept.shown.has(name)) state.shown.delete(name);
  return state;
};
