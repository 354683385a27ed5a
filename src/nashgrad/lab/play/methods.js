// Methods over plain SGD with learning rate h. `step` is exact, z = {x, m} -> z; `linear` is its
// derivative at an equilibrium, as nashgrad.analysis.updates has it.
const along = (x, h, v) => x.map((a, i) => a + h * v[i]);
const consensusJacobian = (J, gamma) => plus(J, scaled(-gamma, times(transpose(J), J)));
const simultaneousMap = (J, h) => plus(identity(2), scaled(h, J));

// Player 1 moves, then player 2, who sees where 1 has gone: (I + h J_2)(I + h J_1).
function alternatingMap([[a, b], [c, d]], h) {
  return times([[1, 0], [h * c, 1 + h * d]], [[1 + h * a, h * b], [0, 1]]);
}

// z = (x, m): m <- beta m + J x, x <- x + h m.
function heavyBallMap(J, h, beta) {
  const I = identity(2), kept = scaled(beta, I);
  return blocks([[plus(I, scaled(h, J)), scaled(h, kept)], [J, kept]]);
}

// One player's turn of it, on z = (x1, x2, m1, m2).
function heavyBallTurn(J, h, beta, player) {
  const F = identity(4);
  F[2 + player] = [...J[player], ...identity(2)[player].map((own) => beta * own)];
  F[player] = F[player].map((one, j) => one + h * F[2 + player][j]);
  return F;
}

const METHODS = {
  simultaneous: {
    title: "Simultaneous", sliders: [],
    formulas: ["x ← x + h v(x)", "F′ = I + hJ"],
    step: (game, { x }, { h }) => ({ x: along(x, h, game.field(x)) }),
    linear: (J, { h }) => simultaneousMap(J, h),
    straight: true,
  },
  alternating: {
    title: "Alternating", sliders: [],
    formulas: ["x₁ ← x₁ + h v₁(x), then x₂ ← x₂ + h v₂(x)", "F′ = (I + hJ₂)(I + hJ₁)"],
    step(game, { x }, { h }) {
      const first = [x[0] + h * game.field(x)[0], x[1]];
      return { x: [first[0], first[1] + h * game.field(first)[1]] };
    },
    linear: (J, { h }) => alternatingMap(J, h),
  },
  consensus: {
    title: "Consensus", sliders: ["gamma"],
    formulas: ["w = v − γJᵀv,  x ← x + h w(x)", "w′ = J − γJᵀJ,  F′ = I + hw′"],
    step(game, { x }, { h, gamma }) {
      const v = game.field(x), pulled = apply(transpose(game.jacobian(x)), v);
      return { x: along(x, h, along(v, -gamma, pulled)) };
    },
    adjusted: (J, { gamma }) => consensusJacobian(J, gamma),
    linear: (J, { h, gamma }) => simultaneousMap(consensusJacobian(J, gamma), h),
    straight: true,
  },
  extragradient: {
    title: "Extragradient", sliders: [],
    formulas: ["y = x + h v(x),  x ← x + h v(y)", "F′ = I + hJ + h²J²"],
    step(game, { x }, { h }) {
      return { x: along(x, h, game.field(along(x, h, game.field(x)))) };
    },
    linear: (J, { h }) => plus(simultaneousMap(J, h), scaled(h * h, times(J, J))),
  },
  momentum: {
    title: "Momentum", sliders: ["beta"], memory: true,
    formulas: ["m ← βm + v(x),  x ← x + h m", "F′ = [[I + hJ, hβI], [J, βI]]"],
    step(game, { x, m }, { h, beta }) {
      const moved = along(game.field(x), beta, m);
      return { x: along(x, h, moved), m: moved };
    },
    linear: (J, { h, beta }) => heavyBallMap(J, h, beta),
  },
  momentum_in_turn: {
    title: "Momentum, in turn", sliders: ["beta"], memory: true,
    formulas: ["i = 1, then 2:  mᵢ ← βmᵢ + vᵢ(x),  xᵢ ← xᵢ + h mᵢ", "F′ = F₂F₁, Fᵢ the turn of player i"],
    step(game, z, { h, beta }) {
      const turn = ({ x, m }, i) => {
        const moved = beta * m[i] + game.field(x)[i];
        return { x: x.map((a, j) => (j === i ? a + h * moved : a)), m: m.map((a, j) => (j === i ? moved : a)) };
      };
      return turn(turn(z, 0), 1);
    },
    linear: (J, { h, beta }) => times(heavyBallTurn(J, h, beta, 1), heavyBallTurn(J, h, beta, 0)),
  },
};

// What every method has a slider for, and the range of each.
const STEP_SLIDERS = {
  h: { label: "Step size h", from: 0.01, to: 5, start: 0.2, scale: "log" },
  gamma: { label: "Consensus γ", from: 0.01, to: 10, start: 1, scale: "log" },
  beta: { label: "Momentum β", from: -0.95, to: 0.95, start: 0.5, scale: "linear" },
};

// w': J, unless the method adjusts the field.
const adjustedJacobian = (method, J, p) => (method.adjusted ? method.adjusted(J, p) : J);
