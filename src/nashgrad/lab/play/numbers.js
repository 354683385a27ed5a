// The table of numbers: short to read, and in full precision in `data-value`.
const MINUS = "−";

function numberText(x) {
  if (x === Infinity) return "∞";
  if (x === 0) return "0";
  const short = Math.abs(x) < 1e-3 || Math.abs(x) >= 1e5 ? x.toExponential(2) : String(Number(x.toPrecision(4)));
  return short.replace(/-/g, MINUS);
}

function complexText([re, im]) {
  if (im === 0) return numberText(re);
  const size = numberText(Math.abs(im));
  return `${re === 0 ? "" : `${numberText(re)} `}${im < 0 ? MINUS : re === 0 ? "" : "+"}${re === 0 ? "" : " "}${size}i`;
}

// Pairs that belong together in one: a ± bi.
function eigenvaluesText(values) {
  const texts = [];
  for (const [re, im] of values) {
    const alone = Math.abs(im) < 1e-12 * Math.max(1e-300, largest(values));
    if (alone) texts.push(numberText(re));
    else if (im > 0) texts.push(`${Math.abs(re) < 1e-14 ? "" : `${numberText(re)} `}± ${numberText(im)}i`);
  }
  return texts.join(",  ");
}

const stepText = (h) => (h === 0 ? "none: no small h works" : h === Infinity ? "any" : numberText(h));
const pointText = (x) => `(${x.map(numberText).join(", ")})`;

const ROWS = [
  ["v-eigenvalues", "Eigenvalues of v′", ({ found }) => [found.ofField, eigenvaluesText(found.ofField)]],
  ["w-eigenvalues", "Eigenvalues of w′", ({ found }) => [found.ofAdjusted, eigenvaluesText(found.ofAdjusted)]],
  ["ratio", "Largest |Im| / |Re| of w′", ({ found }) => [found.ratio, numberText(found.ratio)]],
  ["step-eigenvalues", "Eigenvalues of a step, F′", ({ found }) => [found.ofStep, eigenvaluesText(found.ofStep)]],
  ["radius", "Spectral radius of F′", ({ found }) => [found.radius, found.radius.toFixed(6)]],
  ["largest-step", "Largest stable step", ({ found }) => [found.largestStep, stepText(found.largestStep)]],
  ["predicted", "Predicted, near the equilibrium", ({ found }) => [found.predicted, found.predicted]],
  ["observed", `Seen in ${LONG.toLocaleString("en")} steps`, ({ seen }) => [seen, seen]],
  ["end", "x at the last step drawn", ({ points }) => [points[points.length - 1], pointText(points[points.length - 1])]],
];

function numbersTable(body, side) {
  const cells = ROWS.map(([name, title]) => {
    const row = body.insertRow(), head = row.appendChild(document.createElement("th")), cell = row.insertCell();
    [head.scope, head.textContent, cell.className, cell.id] = ["row", title, "value", `${side}-${name}`];
    return cell;
  });
  return (shown) => ROWS.forEach(([, , of], i) => {
    const [value, text] = of(shown);
    cells[i].dataset.value = JSON.stringify(value, (_, x) => (typeof x === "number" && !Number.isFinite(x) ? String(x) : x));
    cells[i].textContent = text;
  });
}
