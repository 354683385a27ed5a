// What the page shows, as a value, and as the part of the address behind #.
const START = { from: -2.8, to: 2.8, x1: 1.2, x2: 0.8 };
const STEPS = { label: "Steps drawn", from: 1, to: 500, start: 120, scale: "log", whole: true };
const SIDES = ["a", "b"];

const defaultsOf = (sliders) => Object.fromEntries(Object.entries(sliders).map(([name, s]) => [name, s.start]));

function defaults() {
  const side = (method) => ({ method, ...defaultsOf(STEP_SLIDERS) });
  const games = Object.fromEntries(Object.entries(GAMES).map(([name, game]) => [name, defaultsOf(game.sliders)]));
  return {
    game: "bilinear", games, x1: START.x1, x2: START.x2, steps: STEPS.start,
    a: side("simultaneous"), b: side("alternating"),
  };
}

// A number within the slider's range, or else the one that stands.
function numberOf(text, slider, stands) {
  const value = text === null || text.trim() === "" ? NaN : Number(text);
  const fits = value >= slider.from && value <= slider.to && (!slider.whole || Number.isInteger(value));
  return fits ? value : stands;
}

const nameOf = (text, known, stands) => (text !== null && Object.hasOwn(known, text) ? text : stands);

function readSide(asked, side, stands) {
  const values = Object.entries(STEP_SLIDERS).map(([name, slider]) =>
    [name, numberOf(asked.get(`${side}.${name}`), slider, stands[name])]);
  return { method: nameOf(asked.get(`${side}.method`), METHODS, stands.method), ...Object.fromEntries(values) };
}

// The state that an address names; whatever is missing or makes no sense is the default.
function readState(hash) {
  const asked = new URLSearchParams(hash.replace(/^#/, "")), state = defaults();
  state.game = nameOf(asked.get("game"), GAMES, state.game);
  for (const [name, slider] of Object.entries(GAMES[state.game].sliders)) {
    state.games[state.game][name] = numberOf(asked.get(name), slider, slider.start);
  }
  for (const axis of ["x1", "x2"]) state[axis] = numberOf(asked.get(axis), START, state[axis]);
  state.steps = numberOf(asked.get("steps"), STEPS, state.steps);
  for (const side of SIDES) state[side] = readSide(asked, side, state[side]);
  return state;
}

function writeState(state) {
  const said = { game: state.game, ...state.games[state.game], x1: state.x1, x2: state.x2, steps: state.steps };
  for (const side of SIDES) {
    said[`${side}.method`] = state[side].method;
    for (const name of ["h", ...METHODS[state[side].method].sliders]) said[`${side}.${name}`] = state[side][name];
  }
  return `#${new URLSearchParams(Object.entries(said))}`;
}
