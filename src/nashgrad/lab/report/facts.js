// Why it converges or not, what it costs, what differs, how to make it again.
// A word as a shell reads it; one with a line's end in it still stands on one line.
const quoted = (word) => {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!/[\u0000-\u001f\u007f\u0085\u2028\u2029]/.test(word)) return `'${word.replaceAll("'", `'"'"'`)}'`;
  const escaped = [...word].map((c) => (/[\w@%+=:,./ -]/.test(c) ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`));
  return `$'${escaped.join("")}'`;
};
const oneLine = (text) => String(text).replace(/[\r\n\u0085\u2028\u2029]+/g, " "); // a comment in a shell ends with its line

const verdictCard = (run) => {
  const { name, step, evidence, advice, numbers } = run.verdict;
  const list = (title, texts) => (texts.length ? [el("h4", {}, title), el("ul", {}, texts.map((text) => el("li", {}, text)))] : []);
  return el("article", { class: "card verdict" }, el("h3", {}, `${run.name}, step ${step.toLocaleString("en")}: `,
    el("span", { class: verdictClass(name) }, name)), list("because", evidence), list("try", advice), pairTable(Object.entries(numbers)));
};

const verdictSection = (data) => {
  const cards = data.runs.filter((run) => run.verdict).map(verdictCard), without = data.runs.filter((run) => !run.verdict);
  const commands = without.map((run) => `nashgrad diagnose ${quoted(run.path)}`).join("\n");
  const rest = without.length ? el("details", { open: !cards.length },
    el("summary", {}, `Not diagnosed: ${without.length} of ${data.runs.length}`), el("pre", {}, commands)) : null;
  return section("verdict", "Why it does, or does not, converge", el("div", { class: "cards" }, cards), rest);
};

const costSection = (data, state) => {
  const keys = [...new Set(data.runs.flatMap((run) => Object.keys(run.costs)))];
  const columns = [{ title: "run", value: (run) => run.name }, ...keys.map((key) => ({ title: key, value: (run) => run.costs[key] ?? null, number: true }))];
  return section("cost", "What a step costs", sortableTable(columns, data.runs, { id: "costs", caption: "costs of a step", order: state.sorted.costs }));
};

const factTables = (rows, names, caption) => {
  const apart = rows.filter((row) => row.differs), same = rows.filter((row) => !row.differs), several = names.length > 1;
  const differing = apart.length ? keyTable(apart, names, `${caption} that differ`) : el("p", { class: "soft" }, "All runs agree.");
  const first = same.map((row) => ({ ...row, values: row.values.slice(0, 1), unusual: [] }));
  return [several ? differing : null, el("details", {},
    el("summary", {}, several ? `${same.length} keys on which all agree` : `all ${same.length} keys`), keyTable(first, [several ? "all" : "value"], caption))];
};

const setupSection = (data) => {
  const names = data.runs.map((run) => run.name);
  return section("setup", "Configuration and environment",
    names.length > 1 ? el("p", { class: "soft small" }, "Marked: where a run differs from most others.") : null,
    el("h3", {}, "Configuration"), factTables(data.config, names, "Configuration keys"),
    el("h3", {}, "Environment"), factTables(data.environment, names, "Facts of the environment"));
};

const againSection = (data) => {
  const of = (run) => [`# ${oneLine(run.name)}`, oneLine(run.command ?? "# its command is not known"),
    `nashgrad train ${quoted(`${run.path}/config.yaml`)} --out ${quoted(`${run.path}-again`)}`].join("\n");
  return section("again", "How to reproduce",
    el("p", {}, "The commands that were given, and, from each run's own configuration, one that makes it again elsewhere:"),
    el("pre", {}, data.runs.map(of).join("\n\n")));
};
