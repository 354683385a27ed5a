// How a run stands, in words and colours.
const STATUS = { finished: "good", failed: "bad", not_finite: "bad" };
const VERDICTS = { "local Nash": "good", stable: "good", "stable, not Nash": "good", unsure: "", "not stationary": "" };

const alive = (run) => ({ true: "in progress", false: "no process here trains it" })[String(run.held)] ?? "in progress, or its process was killed";
const farness = (run) => {
  if (run.budget) return `${Math.floor((100 * (run.spent ?? 0)) / run.budget)} % of the budget`;
  return run.steps ? `step ${run.step.toLocaleString("en")} of ${run.steps.toLocaleString("en")}` : `step ${run.step.toLocaleString("en")}`;
};
const statusText = (run) => {
  const words = { not_finite: "stopped: not finite", unknown: "its summary is missing" };
  return run.status === "running" ? `${alive(run)}: ${farness(run)}` : words[run.status] ?? run.status;
};
const statusClass = (run) => STATUS[run.status] ?? null;
const verdictClass = (name) => VERDICTS[name] ?? "bad";
