// Elements of pictures, and planes that map numbers to their points.
const byId = (id) => document.getElementById(id);

function shape(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

// Adds a shape to a picture, and returns it.
const draw = (picture, name, attributes, text) => picture.appendChild(shape(name, attributes, text));
const clear = (picture) => picture.replaceChildren();

// A picture of width x height on which x runs from left to right and y from bottom to top.
function plane(width, height, [left, right], [bottom, top]) {
  const X = (x) => ((x - left) / (right - left)) * width, Y = (y) => ((top - y) / (top - bottom)) * height;
  return {
    width, height, X, Y, at: (x, y) => `${X(x).toFixed(2)} ${Y(y).toFixed(2)}`,
    holds: (x, y) => x >= left && x <= right && y >= bottom && y <= top,
    back: (px, py) => [left + (px / width) * (right - left), top - (py / height) * (top - bottom)],
    unit: width / (right - left),
  };
}

const polyline = (points, on) => points.map(([x, y], k) => `${k ? "L" : "M"}${on.at(x, y)}`).join("");
const specks = (points, on) => points.map(([x, y]) => `M${on.at(x, y)}h0.01`).join("");

function axes(picture, on) {
  draw(picture, "path", { class: "axis", d: `M0 ${on.Y(0)}H${on.width}M${on.X(0)} 0V${on.height}` });
}

// A round dot for what is inside, a cross for what is not: told apart in grey.
function mark(picture, on, [x, y], inside) {
  const px = on.X(x), py = on.Y(y);
  if (inside) draw(picture, "circle", { class: "inside", cx: px, cy: py, r: 5 });
  else draw(picture, "path", { class: "outside", d: `M${px - 4} ${py - 4}l8 8m0 -8l-8 8` });
}
