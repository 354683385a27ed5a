// Numbers as text.
const short = (value, digits = 4) => {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString("en");
  return Number(value.toPrecision(digits)).toString().replace("-", "−");
};

const lasting = (seconds) => {
  if (seconds == null) return "";
  if (seconds < 100) return `${short(seconds, 3)} s`;
  return seconds < 6000 ? `${short(seconds / 60, 3)} min` : `${short(seconds / 3600, 3)} h`;
};

const last = (values) => {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return values[i];
  return null;
};

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(q * (sorted.length - 1))))];

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// Logarithmic when positive values span more than two decades, as the library's pictures have it; Plotly has no axis for mixed signs.
const scaleOf = (curves) => {
  const values = curves.flatMap((c) => c.value).filter((v) => v !== null);
  const sizes = values.map(Math.abs).filter((v) => v > 0).sort((a, b) => a - b);
  if (!sizes.length || values.some((v) => v <= 0)) return "linear";
  return quantile(sizes, 0.99) < 100 * quantile(sizes, 0.01) ? "linear" : "log";
};

// A curve's value between its points; nothing outside of them or beside a gap.
const between = (xs, ys, x) => {
  let low = 0, high = xs.length - 1;
  if (high < 0 || x < xs[0] || x > xs[high]) return null;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle; else high = middle;
  }
  if (x === xs[low]) return ys[low];
  if (x === xs[high]) return ys[high];
  if (ys[low] === null || ys[high] === null) return null;
  return ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low]);
};

// Least, median and greatest over runs, where at least two are known.
const bandOf = (curves, key) => {
  const xs = [...new Set(curves.flatMap((c) => c[key]))].filter((x) => x !== null).sort((a, b) => a - b);
  const band = { x: [], low: [], mid: [], high: [] };
  for (const x of xs) {
    const at = curves.map((c) => between(c[key], c.value, x)).filter((v) => v !== null);
    if (at.length < 2) continue;
    band.x.push(x);
    band.low.push(Math.min(...at));
    band.mid.push(median(at));
    band.high.push(Math.max(...at));
  }
  return band;
};
