// Cases worth a look: a name, an address, and what to look at.
const PRESETS = [
  ["Rotation", "game=bilinear&c=1&a.method=simultaneous&a.h=0.2&b.method=alternating&b.h=0.2",
    "Moving at once, 1 ± ih lies outside the disc for every h: it spirals out. Moving in turn, the eigenvalues stay on the circle: it cycles."],
  ["Consensus", "game=bilinear&c=1&a.method=simultaneous&a.h=0.2&b.method=consensus&b.h=0.2&b.gamma=1",
    "Consensus moves the eigenvalues to the left by γc², so that the rays run through the disc: the same step now contracts."],
  ["Too large a step", "game=quadratic&a1=0.5&a2=0.5&b=2&a.method=simultaneous&a.h=0.2&b.method=simultaneous&b.h=0.3",
    "The same game and method: every eigenvalue has negative real part, but the rays leave the disc at h = 0.235. Rotation makes that small."],
  ["Momentum hurts", "game=quadratic&a1=0.5&a2=0.5&b=1&a.method=simultaneous&a.h=0.2&b.method=momentum&b.h=0.2&b.beta=0.8",
    "Momentum helps plain descent, but where the field turns it overshoots: one pair of eigenvalues leaves the disc. Try b = 0."],
  ["Negative momentum", "game=bilinear&c=1&a.method=momentum&a.h=0.5&a.beta=-0.5&b.method=momentum_in_turn&b.h=0.5&b.beta=-0.5",
    "A negative β does not help players who move at once, but it does when they move in turn."],
  ["Dirac-GAN", "game=dirac&steps=500&a.method=alternating&a.h=0.5&b.method=extragradient&b.h=0.5",
    "The smallest GAN turns like the bilinear game. Moving in turn, the radius is 1 and decides nothing: what bends the path inwards fades near zero. Extragradient comes in at a steady rate."],
  ["A false friend", "game=quadratic&a1=-0.5&a2=-0.5&b=1&a.method=simultaneous&a.h=0.2&b.method=consensus&b.h=0.2&b.gamma=3",
    "Here both players want to leave zero: it is no equilibrium of the game. Too large a γ converges to it all the same."],
];
