// Elements. Text goes through textContent only, so nothing that a run's files say becomes markup.
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null));
  return node;
};

const section = (id, title, ...children) =>
  el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), ...children);

// A part takes the place of the one with the same id; focus, places of scrolling and open details stay.
const STOPS = "a, button, input, select, summary, [tabindex]";
const replacePart = (fresh) => {
  const old = document.getElementById(fresh.id);
  const focused = [...old.querySelectorAll(STOPS)].indexOf(document.activeElement);
  const places = [...old.querySelectorAll(".table, pre")].map((node) => [node.scrollLeft, node.scrollTop]);
  const open = [...old.querySelectorAll("details")].map((node) => node.open);
  old.replaceWith(fresh);
  [...fresh.querySelectorAll("details")].forEach((node, i) => { node.open = open[i] ?? node.open; });
  [...fresh.querySelectorAll(".table, pre")].forEach((node, i) => { [node.scrollLeft, node.scrollTop] = places[i] ?? [0, 0]; });
  if (focused >= 0) fresh.querySelectorAll(STOPS)[focused]?.focus({ preventScroll: true });
};
