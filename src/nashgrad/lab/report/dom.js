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

// What kept its focus, its place and its choices stays when a section is drawn again.
const replaceSection = (root, fresh) => {
  const old = root.querySelector(`#${fresh.id}`);
  if (old) old.replaceWith(fresh);
  else root.append(fresh);
};
