// The page: one state, shown as a whole after every change, and kept in the address.
let state = readState(location.hash);
let due = 0, writing = 0;

// The address follows a moment later: browsers refuse many changes at once.
function change(how) {
  how(state);
  schedule();
  clearTimeout(writing);
  writing = setTimeout(() => history.replaceState(null, "", writeState(state)), 400);
}

function schedule() {
  due ||= requestAnimationFrame(() => { due = 0; show(); });
}

const within = (x) => Math.min(START.to, Math.max(START.from, Number(x.toFixed(2))));
const move = (x) => change((s) => { [s.x1, s.x2] = x.map(within); });

const gameSliders = sliderSet(byId("game-sliders"), "game", (name, value) => change((s) => {
  if (name === "steps") s.steps = value ?? s.steps;
  else s.games[s.game][name] = value ?? s.games[s.game][name];
}));
const sides = SIDES.map((side) => makeSide(side, change, move));

function show() {
  const game = GAMES[state.game];
  byId("game").value = state.game;
  gameSliders({ ...game.sliders, steps: STEPS }, { ...state.games[state.game], steps: state.steps });
  byId("game-about").textContent = game.about;
  tell(byId("game-formulas"), game.formulas);
  sides.forEach((side) => side(state));
  markPreset();
  byId("main").dataset.shown = location.hash;
}

function markPreset() {
  const now = writeState(state), buttons = [...byId("presets").children];
  const is = (button) => writeState(readState(button.dataset.address)) === now;
  buttons.forEach((button) => button.setAttribute("aria-pressed", String(is(button))));
  const one = buttons.find(is), look = byId("look");
  if (one) look.textContent = one.dataset.look;
  look.style.visibility = one || look.dataset.first !== undefined ? "visible" : "hidden"; // its room stays: nothing moves under a hand that drags
  delete look.dataset.first;
}

function addPresets() {
  for (const [title, address, look] of PRESETS) {
    const button = byId("presets").appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = title;
    Object.assign(button.dataset, { address, look });
    button.addEventListener("click", () => change(() => { state = readState(address); }));
  }
}

function fromAddress() {
  if (/^#[\w-]*$/.test(location.hash)) return; // a place in the page, not a state
  clearTimeout(writing);
  state = readState(location.hash);
  schedule();
}

fillSelect(byId("game"), GAMES, (name) => change((s) => { s.game = name; }));
byId("reset").addEventListener("click", () => change(() => { state = defaults(); }));
addEventListener("hashchange", fromAddress);
addPresets();
show();
