// What it makes: pictures of samples, all runs at one step.
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
