// The method's own steps from the start point, and what is seen of them. How a run ends need not be what
// eigenvalues say: they know the neighbourhood of the equilibrium only.
const LONG = 4000; // steps that the verdict looks at
const FAR = 1e8, NEAR = 1e-10; // distances that settle it
const TREND = 0.02; // change of the logarithm of the envelope that counts as one

function trajectory(game, method, p, start) {
  const points = [start];
  let z = { x: start, m: [0, 0] };
  while (points.length <= LONG) {
    z = method.step(game, z, p);
    if (!z.x.every(Number.isFinite)) break;
    points.push(z.x);
  }
  return points;
}

// The envelope in the second quarter of the run against that in the last.
function observed(points) {
  const distances = points.map((x) => Math.hypot(...x)), last = distances[distances.length - 1];
  if (distances[0] === 0) return "stays";
  if (points.length <= LONG || distances.some((r) => r > FAR)) return "diverges";
  if (last < NEAR) return "converges";
  const quarter = Math.floor(distances.length / 4);
  const change = Math.log(Math.max(...distances.slice(3 * quarter)) / Math.max(...distances.slice(quarter, 2 * quarter)));
  if (Math.abs(change) > TREND) return change < 0 ? "converges" : "diverges";
  return turns(points) >= 2 ? "cycles" : still(points) ? "stays" : "too slow to tell";
}

// How often the run has gone round the equilibrium.
function turns(points) {
  let angle = 0;
  for (let k = 1; k < points.length; k++) {
    const [a, b] = points[k - 1], [c, d] = points[k];
    angle += Math.atan2(a * d - b * c, a * c + b * d);
  }
  return Math.abs(angle) / (2 * Math.PI);
}

function still(points) {
  const [a, b] = points.slice(-2);
  return Math.hypot(a[0] - b[0], a[1] - b[1]) <= 1e-12 * Math.hypot(...b);
}
