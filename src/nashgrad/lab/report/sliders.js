// A slider over steps: the arrow keys move it, and its label says where it stands.
const stepSlider = (id, entries, label, show, order = (entry) => entry) => {
  let steps = entries;
  const output = el("output", { for: id, class: "mono" });
  const move = () => {
    const at = Number(input.value);
    output.textContent = label(steps[at]);
    input.setAttribute("aria-valuetext", output.textContent);
    show(steps[at], at);
  };
  const input = el("input", { type: "range", id, min: 0, step: 1, oninput: () => move() });
  // What stood at the end stays at the end, and what stood elsewhere at its entry or, where that is gone, the one before.
  const lengthen = (longer) => {
    const at = Number(input.value), here = steps[at], atEnd = at === steps.length - 1;
    steps = longer;
    input.max = Math.max(steps.length - 1, 0);
    input.value = atEnd ? steps.length - 1 : Math.max(0, steps.findLastIndex((entry) => order(entry) <= order(here)));
    input.disabled = steps.length < 2;
    move();
  };
  input.max = Math.max(steps.length - 1, 0);
  input.value = steps.length - 1;
  input.disabled = steps.length < 2;
  return { node: el("div", { class: "slider" }, el("label", { for: id }, "step"), input, output), move, lengthen };
};

const sampleFigure = (run, address) => {
  const image = el("img", { alt: "" });
  const note = el("p", { class: "soft small" });
  const node = el("figure", { class: "sample", "data-run": run.name }, el("figcaption", {}, run.name), image, note);
  const show = (step) => {
    const sample = run.samples.filter((entry) => entry.step <= step).at(-1);
    const source = sample && address(run, sample);
    image.hidden = !source;
    if (source && image.getAttribute("src") !== source) image.src = source;
    if (source) image.alt = `samples of ${run.name} at step ${sample.step}`;
    note.textContent = !run.samples.length ? "no pictures" : !sample ? "no picture yet"
      : `step ${sample.step.toLocaleString("en")}${source ? "" : ": the picture is damaged"}`;
  };
  return { node, show };
};
