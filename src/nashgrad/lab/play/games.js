// Games of two players with a number each, who minimise losses: v = (-dl1/dx1, -dl2/dx2) and J = v'.
// All have their equilibrium at zero.
const sigmoid = (s) => (s >= 0 ? 1 / (1 + Math.exp(-s)) : Math.exp(s) / (1 + Math.exp(s)));

const linearGame = (J) => ({ field: (x) => apply(J, x), jacobian: () => J });

// Standard loss: l1 = softplus(-s), l2 = softplus(s) + log 2 with the score s = x1 x2.
const diracGan = {
  field: ([theta, psi]) => [sigmoid(-theta * psi) * psi, -sigmoid(theta * psi) * theta],
  jacobian([theta, psi]) {
    const s = theta * psi, up = sigmoid(s), down = sigmoid(-s), bend = up * down;
    return [[-bend * psi ** 2, down - bend * s], [-up - bend * s, -bend * theta ** 2]];
  },
};

const GAMES = {
  bilinear: {
    title: "Bilinear",
    about: "Pure rotation: each player’s loss is linear in its own move.",
    players: ["x₁", "x₂"],
    sliders: { c: { label: "Coupling c", from: 0.1, to: 5, start: 1, scale: "log" } },
    formulas: ["ℓ₁ = c x₁x₂,  ℓ₂ = −c x₁x₂", "v(x) = (−c x₂, c x₁)", "J = [[0, −c], [c, 0]]"],
    make: ({ c }) => linearGame([[0, -c], [c, 0]]),
  },
  quadratic: {
    title: "Quadratic",
    about: "Curvature damps (or, below zero, drives apart), rotation turns.",
    players: ["x₁", "x₂"],
    sliders: {
      a1: { label: "Curvature a₁", from: -1, to: 3, start: 0.5, scale: "linear" },
      a2: { label: "Curvature a₂", from: -1, to: 3, start: 0.5, scale: "linear" },
      b: { label: "Rotation b", from: 0, to: 5, start: 2, scale: "linear" },
    },
    formulas: ["ℓ₁ = a₁x₁²/2 + b x₁x₂,  ℓ₂ = a₂x₂²/2 − b x₁x₂",
      "v(x) = (−a₁x₁ − b x₂, b x₁ − a₂x₂)", "J = [[−a₁, −b], [b, −a₂]]"],
    make: ({ a1, a2, b }) => linearGame([[-a1, -b], [b, -a2]]),
  },
  dirac: {
    title: "Dirac-GAN",
    about: "The smallest GAN: a generator at θ, data at 0, a discriminator D(x) = ψx, standard loss.",
    players: ["θ", "ψ"],
    sliders: {},
    formulas: ["s = θψ,  ℓ₁ = log(1 + e⁻ˢ),  ℓ₂ = log(1 + eˢ) + log 2",
      "v(θ, ψ) = (σ(−s) ψ, −σ(s) θ)",
      "J = [[−στψ², τ − στs], [−σ − στs, −στθ²]],  σ = σ(s), τ = σ(−s)", "J at (0, 0): [[0, ½], [−½, 0]]"],
    make: () => diracGan,
  },
};
