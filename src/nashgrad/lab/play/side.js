// One side: its method, its numbers and pictures.
const WHY = {
  converges: "the radius is below 1", diverges: "the radius is above 1",
  cycles: "the radius is 1", stays: "some directions do not move",
};

function makeSide(side, change, move) {
  const own = (name, value) => change((state) => { state[side][name] = value ?? state[side][name]; });
  const at = (name) => byId(`${side}-${name}`);
  fillSelect(at("method"), METHODS, (name) => own("method", name));
  const parts = {
    sliders: sliderSet(at("sliders"), side, own),
    numbers: numbersTable(at("numbers"), side),
    phase: phasePicture(at("phase"), move),
  };
  return (state) => showSide(at, parts, seenOf(state, side));
}

// Everything that a side shows, from the state.
function seenOf(state, side) {
  const { method: name, ...p } = state[side], method = METHODS[name], kind = GAMES[state.game];
  const game = kind.make(state.games[state.game]), start = [state.x1, state.x2];
  const run = trajectory(game, method, p, start);
  return {
    name, method, p, game, start, names: kind.players, found: analyse(game, method, p),
    seen: observed(run), points: run.slice(0, state.steps + 1),
  };
}

function showSide(at, parts, shown) {
  at("method").value = shown.name;
  parts.sliders(Object.fromEntries(["h", ...shown.method.sliders].map((name) => [name, STEP_SLIDERS[name]])), shown.p);
  parts.numbers(shown);
  parts.phase(shown);
  drawDisc(at("disc"), shown);
  drawPlane(at("plane"), shown);
  drawDistance(at("distance"), shown);
  tell(at("formulas"), shown.method.formulas);
  showVerdict(at, shown);
}

// What is seen leads; where the prediction differs, both are told.
function showVerdict(at, { seen, found }) {
  const word = at("word");
  [word.textContent, word.dataset.word] = [seen, seen];
  at("why").textContent = seen === found.predicted ? WHY[seen]
    : `from here; near the equilibrium it ${found.predicted}: ${WHY[found.predicted]}`;
}
