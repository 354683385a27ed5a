// Eigenvalues of a step in the unit disc, and those of v' and w' in the plane.
const DISC = plane(280, 250, [-1.5, 2.08], [-1.6, 1.6]);
const PIECES = 60;

function drawDisc(picture, { method, p, found }) {
  clear(picture);
  const circle = { cx: DISC.X(0), cy: DISC.Y(0), r: DISC.unit };
  draw(picture, "circle", { ...circle, class: "stable" });
  axes(picture, DISC);
  draw(picture, "circle", { ...circle, class: "axis" });
  drawWays(picture, waysOf(method, found.J, p));
  for (const l of found.ofStep) if (DISC.holds(...l)) mark(picture, DISC, l, cabs(l) < 1 - DECIDED);
  draw(picture, "text", { x: DISC.X(1) + 4, y: DISC.Y(0) + 15 }, "1");
  draw(picture, "text", { x: 272, y: 18, "text-anchor": "end" }, "eigenvalues of F′");
  const beyond = found.ofStep.filter((l) => !DISC.holds(...l)).length;
  if (beyond) draw(picture, "text", { x: 272, y: 242, "text-anchor": "end" }, `${beyond} beyond the picture`);
  picture.setAttribute("aria-label", `Eigenvalues of a step in the unit disc: ${found.ofStep.map(complexText).join("; ")}`);
}

// Where each eigenvalue of F'(t) is while t grows to h: straight rays from 1 where F' = I + h A.
function waysOf(method, J, p) {
  let last = eigenvalues(method.linear(J, { ...p, h: 1e-6 * p.h }));
  const ways = last.map((l) => [l]);
  for (let k = 1; k <= PIECES; k++) {
    last = matched(last, eigenvalues(method.linear(J, { ...p, h: (p.h * k) / PIECES })));
    last.forEach((l, i) => ways[i].push(l));
  }
  return ways;
}

// The values in the order of those that they are nearest to.
function matched(before, after) {
  const left = [...after];
  return before.map((l) => {
    const gaps = left.map((m) => cabs(csub(l, m)));
    return left.splice(gaps.indexOf(Math.min(...gaps)), 1)[0];
  });
}

// Dark inside the disc, pale outside.
function drawWays(picture, ways) {
  const pieces = { near: "", far: "" };
  for (const way of ways) {
    for (let k = 1; k < way.length; k++) {
      const inside = cabs(way[k]) < 1 + ROUNDING && cabs(way[k - 1]) < 1 + ROUNDING;
      pieces[inside ? "near" : "far"] += `M${DISC.at(...way[k - 1])}L${DISC.at(...way[k])}`;
    }
  }
  for (const [name, d] of Object.entries(pieces)) draw(picture, "path", { class: name, d });
}

function drawPlane(picture, { found }) {
  clear(picture);
  const far = nice(1.25 * largest([...found.ofField, ...found.ofAdjusted]));
  const on = plane(280, 220, [-far * (14 / 11), far * (14 / 11)], [-far, far]);
  draw(picture, "path", { class: "stable", d: `M0 0H${on.X(0)}V220H0z` });
  axes(picture, on);
  labelPlane(picture, on, far);
  matched(found.ofField, found.ofAdjusted).forEach((l, i) => {
    draw(picture, "path", { class: "near", d: polyline([found.ofField[i], l], on) });
  });
  for (const l of found.ofAdjusted) mark(picture, on, l, l[0] < -ROUNDING * cabs(l));
  for (const [x, y] of found.ofField) draw(picture, "circle", { class: "ring", cx: on.X(x), cy: on.Y(y), r: 8 });
  picture.setAttribute("aria-label",
    `Eigenvalues of v′: ${found.ofField.map(complexText).join("; ")}; of w′: ${found.ofAdjusted.map(complexText).join("; ")}`);
}

function labelPlane(picture, on, far) {
  draw(picture, "text", { x: 274, y: on.Y(0) - 5, "text-anchor": "end" }, "Re");
  draw(picture, "text", { x: on.X(0) + 5, y: 14 }, "Im");
  const at = far / 2;
  draw(picture, "path", { class: "axis", d: `M${on.at(-at, 0)}m0 -3v6M${on.at(0, at)}m-3 0h6` });
  draw(picture, "text", { x: on.X(-at), y: on.Y(0) + 16, "text-anchor": "middle" }, numberText(-at));
  draw(picture, "text", { x: on.X(0) + 13, y: on.Y(at) + 4 }, numberText(at));
}

// The next of 1, 2, 4, 6, 10 times a power of ten.
function nice(size) {
  const power = 10 ** Math.floor(Math.log10(size || 1)), lead = (size || 1) / power;
  return power * [1, 2, 4, 6, 10].find((one) => lead <= one);
}
