// Selects, and sliders with a number beside them that can be typed.
const TICKS = 400;

const toTick = (s, value) => Math.round(TICKS * (s.scale === "log"
  ? Math.log(value / s.from) / Math.log(s.to / s.from) : (value - s.from) / (s.to - s.from)));

function fromTick(s, tick) {
  const share = tick / TICKS;
  const value = s.scale === "log" ? s.from * (s.to / s.from) ** share : s.from + share * (s.to - s.from);
  return s.whole ? Math.round(value) : s.scale === "log" ? Number(value.toPrecision(3)) : Number(value.toFixed(2));
}

function fillSelect(select, things, changed) {
  for (const [name, { title }] of Object.entries(things)) select.add(new Option(title, name));
  select.addEventListener("change", () => changed(select.value));
}

// Returns how to show a value; double-click on the slider brings the default back.
function addSlider(parent, id, s, changed) {
  const row = parent.appendChild(document.createElement("div"));
  const label = row.appendChild(document.createElement("label"));
  const range = input(row, "range", { min: 0, max: TICKS, step: 1, id });
  const number = input(row, "number", { min: s.from, max: s.to, step: "any", id: `${id}-number`, "aria-label": s.label });
  row.className = "slider";
  [label.htmlFor, label.textContent] = [id, s.label];
  range.addEventListener("input", () => changed(fromTick(s, Number(range.value))));
  range.addEventListener("dblclick", () => changed(s.start));
  number.addEventListener("change", () => changed(numberOf(number.value, s, null)));
  return (value) => {
    [range.value, number.value] = [toTick(s, value), value];
    range.setAttribute("aria-valuetext", numberText(value));
  };
}

function input(parent, type, attributes) {
  const made = parent.appendChild(document.createElement("input"));
  made.type = type;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Sliders for a set of names: made anew only when the set changes, so that focus stays.
function sliderSet(parent, prefix, changed) {
  let sliders = null, show = {};
  return (wanted, values) => {
    if (sliders !== JSON.stringify(wanted)) {
      sliders = JSON.stringify(wanted);
      parent.replaceChildren();
      show = Object.fromEntries(Object.entries(wanted).map(([name, s]) =>
        [name, addSlider(parent, `${prefix}-${name}`, s, (value) => changed(name, value))]));
    }
    for (const name of Object.keys(wanted)) show[name](values[name]);
  };
}

function tell(paragraph, lines) {
  paragraph.replaceChildren(...lines.map((line) => Object.assign(document.createElement("span"), { textContent: line })));
}
