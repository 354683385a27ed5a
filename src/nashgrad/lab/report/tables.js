// Tables. A sortable one keeps its order in aria-sort, for eyes and for screen readers.
const cell = (value, number, head = false) => {
  const node = value instanceof Node ? value : document.createTextNode(number ? short(value) : String(value ?? ""));
  return el(head ? "th" : "td", { scope: head ? "row" : null, class: number ? "number" : "words", "data-value": value instanceof Node ? null : value }, node);
};

const compare = (a, b, number) => {
  const empty = (v) => v === null || v === undefined || v === "" || Number.isNaN(v);
  if (empty(a) || empty(b)) return empty(a) - empty(b); // what is not known stands last, in both directions
  return number ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
};

// columns: {title, number, value(row), show(row)}; the rows' order is the page's until a column is chosen, which `order` keeps.
const sortableTable = (columns, rows, { id, caption, order = {} } = {}) => {
  const body = el("tbody");
  const fill = () => {
    const sorted = [...rows];
    const column = columns.find((one) => one.title === order.title);
    if (column) {
      const { value, number } = column, sign = order.down ? -1 : 1;
      const known = (v) => !(v === null || v === undefined || v === "");
      sorted.sort((a, b) => {
        const x = value(a), y = value(b);
        return known(x) && known(y) ? sign * compare(x, y, number) : compare(x, y, number);
      });
    }
    body.replaceChildren(...sorted.map((row) => el("tr", {}, columns.map((c, i) => cell(c.show ? c.show(row) : c.value(row), c.number, i === 0)))));
  };
  const sortOf = (column) => (column.title !== order.title ? "none" : order.down ? "descending" : "ascending");
  const heads = columns.map((column) => {
    const head = el("th", { scope: "col", class: column.number ? "number" : null, "aria-sort": sortOf(column) });
    head.append(el("button", { type: "button", class: "sort", title: `Sort by ${column.title}`, onclick: () => {
      order.down = order.title === column.title ? !order.down : false;
      order.title = column.title;
      heads.forEach((other, i) => other.setAttribute("aria-sort", sortOf(columns[i])));
      fill();
    } }, column.title));
    return head;
  });
  fill();
  return el("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { id }, el("caption", { class: "hidden" }, caption), el("thead", {}, el("tr", {}, heads)), body));
};

// Keys by runs: what differs is marked, and stands first.
const keyTable = (rows, names, caption) => {
  const line = (row) => el("tr", {}, el("th", { scope: "row", class: "mono" }, row.key),
    row.values.map((value, i) => el("td", { class: `mono${row.unusual[i] ? " changed" : ""}` }, value ?? "—")));
  return el("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption }, el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "key"), names.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map(line))));
};

const pairTable = (pairs) => el("table", { class: "pairs" }, el("tbody", {},
  pairs.map(([key, value]) => el("tr", {}, el("th", { scope: "row" }, key), el("td", { class: "number" }, short(value))))));
