// The list of runs. A run keeps its row, and a row its place, so that focus, pointer and a click that is under way stay where they are.
const ago = (then) => {
  const seconds = Math.max(0, Date.now() / 1000 - then);
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
};
const isTraining = (run) => run.status === "running" && run.held !== false;
const imageOf = (run, step, version) => `/image/${run.id}/${step}?v=${version}`;
const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };

// A run that has a budget ends with it; its steps do not count.
const progressOf = (run) => {
  const share = run.budget ? (run.spent ?? 0) / run.budget : run.steps ? run.step / run.steps : null;
  return share === null ? null : Math.min(1, share);
};
const showProgress = (cell, run) => {
  const [bar, text] = cell.children.length ? cell.children : [el("progress", { max: 1, "aria-label": `progress of ${run.name}` }), el("span")];
  if (!cell.children.length) cell.append(bar, " ", text);
  const share = progressOf(run);
  bar.hidden = share === null;
  bar.value = share ?? 0;
  setText(text, share === null ? "" : `${Math.floor(100 * share)} %${run.budget ? " of the budget" : ""}`);
};

const showStatus = (cell, run) => {
  const text = cell.firstElementChild ?? el("span");
  text.className = statusClass(run) ?? "";
  setText(text, statusText(run));
  if (text.parentNode !== cell) cell.replaceChildren(text);
};

// Whoever replaced a picture gave it another version; the same address is not fetched again.
const showSample = (cell, run) => {
  if (run.sample === null) return cell.replaceChildren();
  const image = cell.querySelector("img") ?? el("img", { loading: "lazy", width: 48, height: 48 });
  const source = imageOf(run, run.sample, run.version);
  if (image.getAttribute("src") !== source) image.src = source;
  image.alt = `samples of ${run.name} at step ${run.sample}`;
  if (image.parentNode !== cell) cell.replaceChildren(image);
};

// `value` is sorted by, as a number or a text; `text` or `show` fills a cell; `right` is where digits stand. The first column, with the box, is the row's head.
const LIST = [
  { title: "run", value: (run) => run.name },
  { title: "status", value: statusText, show: showStatus },
  { title: "progress", value: progressOf, number: true, show: showProgress },
  { title: "step", value: (run) => run.step, number: true, right: true, text: (run) => short(run.step) },
  { title: "norm of v", value: (run) => run.norm, number: true, right: true, text: (run) => short(run.norm) },
  { title: "changed", value: (run) => -run.changed, number: true, text: (run) => ago(run.changed) },
  { title: "newest samples", value: (run) => run.sample, number: true, show: showSample },
];
const sideOf = (column) => (column.right ? "number" : "words");

const newRow = (run, ontick) => {
  const box = el("input", { type: "checkbox", onchange: () => ontick(run.id, box.checked) });
  const cells = LIST.slice(1).map((column) => el("td", { class: sideOf(column) }));
  const head = el("th", { scope: "row", class: "words" }, el("label", {}, box, " ", run.name));
  return { box, cells, node: el("tr", { "data-run": run.id }, head, cells) };
};

const updateRow = (row, run, ticked) => {
  row.run = run;
  row.box.checked = ticked;
  LIST.slice(1).forEach(({ text, show }, i) => (show ? show(row.cells[i], run) : setText(row.cells[i], text(run))));
};

const inOrder = (rows, order) => {
  const column = LIST.find(({ title }) => title === order.title);
  if (!column) return rows;
  const known = (v) => !(v === null || v === undefined || v === ""), sign = order.down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const x = column.value(a.run), y = column.value(b.run);
    return (known(x) && known(y) ? sign : 1) * compare(x, y, column.number);
  });
};

// Only rows that stand elsewhere are moved; one that has the focus keeps it.
const arrange = (body, nodes) => {
  const focused = document.activeElement;
  nodes.forEach((node, i) => { if (body.children[i] !== node) body.insertBefore(node, body.children[i] ?? null); });
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
};

const listHeads = (order, onsort) => LIST.map((column) => {
  const { title } = column, head = el("th", { scope: "col", "aria-sort": "none", class: sideOf(column) });
  head.append(el("button", { type: "button", class: "sort", title: `Sort by ${title}`, onclick: () => {
    order.down = order.title === title ? !order.down : false;
    order.title = title;
    onsort();
  } }, title));
  return head;
});
const markHeads = (heads, order) => heads.forEach((head, i) => {
  head.setAttribute("aria-sort", LIST[i].title !== order.title ? "none" : order.down ? "descending" : "ascending");
});

// Rows that were there keep their order; new ones come first, newest first.
const merged = (rows, runs, ontick) => {
  const kept = [...rows.keys()].filter((id) => runs.some((run) => run.id === id));
  const fresh = runs.filter((run) => !rows.has(run.id));
  return new Map([...fresh.map((run) => [run.id, newRow(run, ontick)]), ...kept.map((id) => [id, rows.get(id)])]);
};

// `update(runs, ticked)` shows them; `ontick(id, on)` hears of boxes.
const runList = (place, ontick) => {
  const order = {}, body = el("tbody"), none = el("p", { class: "soft", id: "no-run" });
  let rows = new Map(), filter = "";
  const arranged = () => {
    for (const { node, run } of rows.values()) node.hidden = !run.name.toLowerCase().includes(filter);
    arrange(body, inOrder([...rows.values()], order).map((row) => row.node));
    const some = [...rows.values()].some((row) => !row.node.hidden);
    table.hidden = !some;
    setText(none, some ? "" : rows.size ? "No run has this in its name." : "No runs yet.");
  };
  const heads = listHeads(order, () => { markHeads(heads, order); arranged(); });
  const table = el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "runs; tick those to compare" },
    el("table", { id: "live-runs" }, el("caption", { class: "hidden" }, "runs; tick those to compare"), el("thead", {}, el("tr", {}, heads)), body));
  const find = el("input", { type: "text", id: "find", oninput: () => { filter = find.value.toLowerCase(); arranged(); } });
  const untick = el("button", { type: "button", id: "none", onclick: () => ontick(null, false) }, "untick all");
  place.replaceChildren(el("div", { class: "find" }, el("label", {}, "find ", find), untick), table, none);
  return (runs, ticked) => {
    const now = merged(rows, runs, ontick);
    for (const [id, row] of rows) if (!now.has(id)) row.node.remove();
    rows = now;
    for (const run of runs) updateRow(rows.get(run.id), run, ticked.has(run.id));
    arranged();
  };
};
