// Numbers as text.
const short = (value, digits = 4) => {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  const whole = Number.isInteger(value) && Math.abs(value) < 1e9;
  const text = whole ? value.toLocaleString("en") : Number(value.toPrecision(digits)).toString();
  return text.replaceAll("-", "−");
};

const last = (values) => {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return values[i];
  return null;
};
