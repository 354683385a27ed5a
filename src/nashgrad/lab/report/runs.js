// What was run: a table, and what is missing in it.
const lastOf = (curves, title) => (Object.hasOwn(curves, title) ? last(curves[title].value) : null);
const titlesOf = (data, key) => [...new Set(data.runs.flatMap((run) => Object.keys(run[key])))];

const runColumns = (data) => [
  { title: "run", value: (run) => run.name, show: (run) => el("span", { class: "name" }, run.name) },
  { title: "method", value: (run) => run.group },
  { title: "seed", value: (run) => run.seed, number: true },
  { title: "status", value: statusText, show: (run) => el("span", { class: statusClass(run) }, statusText(run)) },
  { title: "steps", value: (run) => run.step, number: true },
  { title: "seconds", value: (run) => run.seconds, number: true },
  ...titlesOf(data, "scores").map((name) => ({ title: name, value: (run) => lastOf(run.scores, name), number: true })),
  { title: "norm of v", value: (run) => lastOf(run.curves, "norm of v"), number: true },
  { title: "verdict", value: (run) => run.verdict?.name ?? "" },
];

// Scores by features of a network, where `nashgrad score` took them: a row for each checkpoint and extractor.
const DEVIATION = "_deviation";

// A deviation stands beside what it is of.
const inPairs = (names) => names.filter((name) => !name.endsWith(DEVIATION)).flatMap((name) => [name, name + DEVIATION].filter((one) => names.includes(one)));

const scoringsTable = (data, state) => {
  const rows = data.runs.flatMap((run) => run.scorings.map((scoring) => ({ name: run.name, ...scoring })));
  if (!rows.length) return null;
  const keysOf = (part) => [...new Set(rows.flatMap((row) => Object.keys(row[part])))];
  const told = (row, part, key) => (Object.hasOwn(row[part], key) ? row[part][key] : null);
  const columnOf = (part) => (key) => ({ title: key.replace(DEVIATION, " ±").replaceAll("_", " "), value: (row) => told(row, part, key),
    number: !rows.some((row) => typeof told(row, part, key) === "string") });
  const headOf = (row) => `${row.extractor}, step ${row.step.toLocaleString("en")}`;
  const columns = [
    { title: "run", value: (row) => `${row.name}, ${headOf(row)}`,
      show: (row) => el("span", {}, el("span", { class: "name" }, row.name), el("br"), el("span", { class: "soft small" }, headOf(row))) },
    ...inPairs(keysOf("scores")).map(columnOf("scores")), ...keysOf("facts").map(columnOf("facts")),
  ];
  const several = new Set(rows.map((row) => row.extractor)).size > 1;
  return [el("h3", {}, "Scores by nashgrad score"),
    sortableTable(columns, rows, { id: "scorings", caption: "scores by features of a network, with what they rest on", order: state.sorted.scorings }),
    several ? el("p", { class: "soft small" }, "Scores of two extractors do not compare.") : null];
};

const missingCard = (runs) => {
  const told = (run) => [...run.missing, ...(run.reason ? [`${statusText(run)}: ${run.reason}`] : [])];
  const lines = runs.filter((run) => told(run).length).map((run) => el("li", {}, el("b", {}, run.name), ": ", told(run).join("; ")));
  return lines.length ? el("div", { class: "card missing" }, el("h3", {}, "What is missing"), el("ul", {}, lines)) : null;
};

const runsSection = (data, state) => {
  const scored = [...new Set(data.runs.map((run) => run.scored).filter(Boolean))];
  const caption = "runs, with their last scores; sort by a column's name";
  return section("summary", data.runs.length === 1 ? "What was run" : `${data.runs.length} runs`,
    sortableTable(runColumns(data), data.runs, { id: "runs", caption, order: state.sorted.runs }),
    scored.length ? el("p", { class: "soft small" }, `Scores: ${scored.join("; ")}.`) : null,
    scoringsTable(data, state), missingCard(data.runs));
};
