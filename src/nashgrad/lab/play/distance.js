// How the distance to the equilibrium goes, beside what the radius predicts.
const FLOOR = 1e-9, CEILING = 1e6;

function drawDistance(picture, { points, found }) {
  clear(picture);
  const sizes = points.map((x) => Math.hypot(...x)), decades = range(sizes);
  const expected = sizes.map((_, k) => sizes[0] * found.radius ** k);
  const last = Math.max(1, points.length - 1);
  const on = plane(400, 130, [-0.1 * last, 1.02 * last], [decades[0] - 0.16 * (decades[1] - decades[0]), decades[1]]);
  scale(picture, on, decades, last);
  const line = (values) => polyline(values.map((r, k) => [k, Math.max(decades[0] - 9, Math.min(decades[1] + 9, Math.log10(r)))]), on);
  draw(picture, "path", { class: "expected", d: line(expected) });
  draw(picture, "path", { class: "level", d: line(sizes) });
  picture.setAttribute("aria-label", `Distance to the equilibrium: ${numberText(sizes[0])} at first, ${numberText(sizes[last])} after ${last} steps`);
}

// The decades that are shown: those of the distances, but neither rounding nor the far away.
function range(sizes) {
  const kept = sizes.map((r) => Math.min(CEILING, Math.max(FLOOR, r)));
  return [Math.floor(Math.log10(Math.min(...kept)) - 0.2), Math.ceil(Math.log10(Math.max(...kept)) + 0.2)];
}

function scale(picture, on, [low, high], last) {
  const every = Math.ceil((high - low) / 4);
  for (let k = low; k <= high; k += every) {
    draw(picture, "path", { class: "quiet", d: `M${on.at(0, k)}H400` });
    draw(picture, "text", { x: on.X(0) - 5, y: Math.max(12, on.Y(k) + 4), "text-anchor": "end" }, `10${superscript(k)}`);
  }
  for (const k of [0, last]) {
    draw(picture, "text", { x: on.X(k), y: 125, "text-anchor": k ? "end" : "start" }, k ? `step ${k}` : "0");
  }
}

const superscript = (k) => String(k).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
