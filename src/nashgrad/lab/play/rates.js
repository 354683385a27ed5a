// Radius, largest stable step and verdict, by the rules of nashgrad.analysis.stability and rates.
const NEUTRAL = 1e-6; // of the largest |l|: up to that, nothing moves
const ROUNDING = 1e-9; // of |l|: real parts up to that have no sign
const DECIDED = 1e-10; // a radius within this of 1 is neither above nor below
const PER_DECADE = 30, HALVINGS = 40, SMALLEST = 1e-4, DECADES = 8;

const largest = (values) => Math.max(0, ...values.map(cabs));
const moving = (values) => values.filter((l) => cabs(l) > NEUTRAL * largest(values));
const radiusOf = (F) => largest(eigenvalues(F));

// Without the eigenvalues of F that are 1: directions in which nothing moves.
function movingRadius(F) {
  const values = eigenvalues(F), moved = values.map((l) => cabs([l[0] - 1, l[1]])), most = Math.max(...moved);
  const left = values.filter((_, i) => moved[i] > NEUTRAL * most);
  return left.length ? largest(left) : 1;
}

// min -2 Re l / |l|^2 of the l that move; 0 where some Re l >= 0, infinite where none moves.
function straightBound(values) {
  const left = moving(values);
  if (left.some((l) => l[0] >= 0)) return 0;
  return Math.min(Infinity, ...left.map((l) => (-2 * l[0]) / (l[0] * l[0] + l[1] * l[1])));
}

// The end of the first interval (0, h0) of step sizes with which F'(h) contracts: a row of h, then bisection.
function searchedBound(linear, J) {
  const turning = eigenvalues(J), size = norm(J);
  if (size === 0) return Infinity;
  const radius = moving(turning).length < turning.length ? movingRadius : radiusOf;
  const excess = (h) => radius(linear(h)) - 1;
  let inside = null;
  for (let k = 0; k <= PER_DECADE * DECADES; k++) {
    const h = (SMALLEST * 10 ** (k / PER_DECADE)) / size, over = excess(h);
    if (inside === null && Math.abs(over) <= DECIDED) continue;
    if (over < 0) inside = h;
    else return inside === null ? 0 : bisected(excess, inside, h);
  }
  return inside === null ? 0 : Infinity;
}

function bisected(excess, inside, outside) {
  for (let k = 0; k < HALVINGS; k++) {
    const middle = (inside + outside) / 2;
    if (excess(middle) < 0) inside = middle;
    else outside = middle;
  }
  return inside;
}

function largestStep(method, J, p) {
  if (method.straight) return straightBound(eigenvalues(adjustedJacobian(method, J, p)));
  return searchedBound((h) => method.linear(J, { ...p, h }), J);
}

// Largest |Im l| / |Re l|: rotation over damping.
const ratio = (values) => Math.max(0, ...moving(values).map((l) => Math.abs(l[1]) / Math.abs(l[0])));

// What the linear map says: at radius 1, whether something turns or all rests.
function predicted(values) {
  const excess = largest(values) - 1;
  if (Math.abs(excess) > DECIDED) return excess < 0 ? "converges" : "diverges";
  const outermost = values.filter((l) => cabs(l) > 1 - DECIDED);
  return outermost.every((l) => cabs([l[0] - 1, l[1]]) <= NEUTRAL) ? "stays" : "cycles";
}

// All that is known of a method at the equilibrium.
function analyse(game, method, p) {
  const J = game.jacobian([0, 0]), F = method.linear(J, p), adjusted = adjustedJacobian(method, J, p);
  const ofStep = eigenvalues(F), ofAdjusted = eigenvalues(adjusted);
  return {
    J, adjusted, ofField: eigenvalues(J), ofAdjusted, ofStep, radius: largest(ofStep),
    largestStep: largestStep(method, J, p), ratio: ratio(ofAdjusted), predicted: predicted(ofStep),
  };
}
