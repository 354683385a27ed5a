// The players' plane: arrows, the trajectory, and the start point that is dragged or moved by keys.
const PHASE = plane(400, 400, [-3, 3], [-3, 3]);
const ARROWS = 14, LONGEST = 12;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function phasePicture(picture, move) {
  axes(picture, PHASE);
  const labels = [draw(picture, "text", { x: 392, y: 194, "text-anchor": "end" }), draw(picture, "text", { x: 207, y: 14 })];
  for (const at of [-2, 2]) {
    draw(picture, "text", { x: PHASE.X(at), y: 214, "text-anchor": "middle" }, String(at).replace("-", "−"));
    draw(picture, "text", { x: 193, y: PHASE.Y(at) + 4, "text-anchor": "end" }, String(at).replace("-", "−"));
  }
  const drawn = Object.fromEntries(["arrows", "path", "dots"].map((name) => [name, draw(picture, "path", { class: name })]));
  draw(picture, "path", { class: "rest", d: `M${PHASE.at(0, 0)}m-6 0h12m-6 -6v12` });
  const note = draw(picture, "text", { x: 8, y: 391 });
  const handle = startHandle(picture, move);
  return (seen) => drawPhase({ ...drawn, labels, note, handle }, seen);
}

function drawPhase({ arrows, path, dots, labels, note, handle }, { game, method, p, points, start, names }) {
  arrows.setAttribute("d", arrowsOf((x) => direction(game, method, p, x)));
  const shown = points.filter((x) => Math.hypot(...x) < 100);
  path.setAttribute("d", polyline(shown, PHASE));
  dots.setAttribute("d", specks(shown.filter((x) => PHASE.holds(...x)), PHASE));
  labels.forEach((label, i) => { label.textContent = names[i]; });
  const left = points.findIndex((x) => !PHASE.holds(...x));
  note.textContent = left < 0 ? "" : `leaves the picture at step ${left}`;
  placeHandle(handle, start);
}

// The move of one step, divided by h; memory begins at zero.
const direction = (game, method, p, x) => method.step(game, { x, m: [0, 0] }, p).x.map((a, i) => (a - x[i]) / p.h);

function arrowsOf(field) {
  const places = Array.from({ length: ARROWS }, (_, k) => -3 + (6 * (k + 0.5)) / ARROWS);
  const found = places.flatMap((a) => places.map((b) => ({ x: [a, b], v: field([a, b]) })));
  const most = Math.max(...found.map(({ v }) => Math.hypot(...v)).filter(Number.isFinite)) || 1;
  return found.map(({ x, v }) => arrow(x, v, most)).join("");
}

// Lengths grow as the square root, so that slow regions have a direction too.
function arrow(x, v, most) {
  const size = Math.hypot(...v);
  if (!(size > 1e-12 * most) || !Number.isFinite(size)) return "";
  const long = LONGEST * (0.3 + 0.7 * Math.sqrt(size / most)), dx = (long * v[0]) / size, dy = (-long * v[1]) / size;
  const head = (c, s) => `l${(-3.5 * (c * dx - s * dy) / long).toFixed(2)} ${(-3.5 * (s * dx + c * dy) / long).toFixed(2)}`;
  const tip = `${(PHASE.X(x[0]) + dx / 2).toFixed(2)} ${(PHASE.Y(x[1]) + dy / 2).toFixed(2)}`;
  return `M${tip}l${(-dx).toFixed(2)} ${(-dy).toFixed(2)}M${tip}${head(0.8, 0.6)}M${tip}${head(0.8, -0.6)}`;
}

function startHandle(picture, move) {
  const handle = draw(picture, "g", { class: "handle", tabindex: 0, role: "slider", "aria-label": "Start point; arrow keys move it, with shift farther" });
  draw(handle, "circle", { class: "reach", r: 20 });
  draw(handle, "circle", { r: 7.5 });
  const to = (event) => move(pointOf(picture, event));
  const drag = (event) => { if (event.buttons) to(event); };
  picture.addEventListener("click", (event) => { if (event.target !== handle && !handle.contains(event.target)) to(event); }); // on a click, since a finger that begins to scroll here is to move nothing
  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", drag);
  handle.addEventListener("keydown", (event) => {
    if (!KEYS[event.key]) return;
    event.preventDefault();
    move(stepped(handle.dataset.start, KEYS[event.key], event.shiftKey ? 0.25 : 0.05));
  });
  return handle;
}

const pointOf = (picture, event) => {
  const box = picture.getBoundingClientRect();
  return PHASE.back(((event.clientX - box.left) / box.width) * 400, ((event.clientY - box.top) / box.height) * 400);
};

const stepped = (start, by, far) => JSON.parse(start).map((a, i) => a + far * by[i]);

function placeHandle(handle, start) {
  handle.setAttribute("transform", `translate(${PHASE.at(...start)})`);
  handle.dataset.start = JSON.stringify(start);
  const said = { valuenow: start[0], valuemin: START.from, valuemax: START.to, valuetext: start.map((a) => a.toFixed(2)).join(", ") };
  for (const [key, value] of Object.entries(said)) handle.setAttribute(`aria-${key}`, value);
}
