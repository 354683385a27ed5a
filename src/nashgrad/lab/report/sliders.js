// A slider over steps: the arrow keys move it, and its label says where it stands.
const stepSlider = (id, entries, label, show) => {
  let steps = entries;
  const output = el("output", { for: id, class: "mono" });
  const move = () => {
    const at = Number(input.value);
    output.textContent = label(steps[at]);
    input.setAttribute("aria-valuetext", output.textContent);
    show(steps[at], at);
  };
  const input = el("input", { type: "range", id, min: 0, step: 1, oninput: () => move() });
  // What stood at the end stays at the end, and what stood elsewhere at its step.
  const lengthen = (longer) => {
    const atEnd = Number(input.value) === steps.length - 1;
    steps = longer;
    input.max = Math.max(steps.length - 1, 0);
    if (atEnd) input.value = steps.length - 1;
    input.disabled = steps.length < 2;
    move();
  };
  input.max = Math.max(steps.length - 1, 0);
  input.value = steps.length - 1;
  input.disabled = steps.length < 2;
  return { node: el("div", { class: "slider" }, el("label", { for: id }, "step"), input, output), move, lengthen };
};

// The last entry at or before a step, else the first.
const upTo = (entries, step) => entries.filter((entry) => entry.step <= step).at(-1) ?? entries[0];

const sampleFigure = (run, address) => {
  const image = el("img", { alt: "" });
  const note = el("p", { class: "soft small" });
  const node = el("figure", { class: "sample", "data-run": run.name }, el("figcaption", {}, run.name), image, note);
  const show = (step) => {
    const sample = run.samples.length ? upTo(run.samples, step) : null;
    const source = sample && address(run, sample);
    image.hidden = !source;
    if (source) {
      image.src = source;
      image.alt = `samples of ${run.name} at step ${sample.step}`;
    }
    note.textContent = !sample ? "no pictures" : source ? `step ${sample.step.toLocaleString("en")}` : `step ${sample.step.toLocaleString("en")}: the picture is damaged`;
  };
  return { node, show };
};
