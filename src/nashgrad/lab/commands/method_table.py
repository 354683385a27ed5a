"""The table of methods: what each computes, costs and keeps, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Keeps = Literal["yes", "no", "and others"]


@dataclass(frozen=True)
class Row:
    """What is known of a method beside its docstring.

    Costs are those of a step of a two-player game with the configuration's defaults, on average
    over `period` steps.

    - `implementation`: the class, in `nashgrad.adjustments` or `nashgrad.schedules`.
    - `family`: what it is a kind of.
    - `equation`: the field w that players follow, or the step, in plain text.
    - `reference`: authors, title and year; "ours" where nobody else's.
    - `evaluations`, `products`, `solves`: of the field, with J or J^T, of linear systems. None for
      as many as it takes: `per_iteration` in each iteration of a solver, beside a few.
    - `period`: steps after which costs repeat.
    - `memory`: what it keeps from step to step beside the optimisers, in vectors as long as x.
    - `keeps`: whether a fixed point of v is one of the method; "and others" where it has more.
    - `players`: how many it allows.
    """

    implementation: str
    family: str
    equation: str
    reference: str
    evaluations: float | None = 1
    products: float | None = 0
    solves: float = 0
    per_iteration: int = 1
    period: int = 1
    memory: str = "none"
    keeps: Keeps = "yes"
    players: str = "any"


_GOODFELLOW = "I. Goodfellow et al.: Generative Adversarial Nets, 2014"
_MESCHEDER = "L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017"
_QIN = (
    "C. Qin et al.: Training Generative Adversarial Networks by Solving Ordinary Differential "
    "Equations, 2020"
)
_GIDEL = (
    "G. Gidel et al.: A Variational Inequality Perspective on Generative Adversarial Networks, 2019"
)
_PASCANU = (
    "R. Pascanu, T. Mikolov, Y. Bengio: On the Difficulty of Training Recurrent Neural Networks, "
    "2013"
)
_HAIRER = "E. Hairer, G. Wanner: Solving Ordinary Differential Equations II, 1996"

METHODS: Mapping[str, Row] = {
    "none": Row("Identity", "plain", "v", _GOODFELLOW),
    "clip_norm": Row("ClipNorm", "clipping", "v_i min(1, max_norm / |v_i|)", _PASCANU),
    "clip_value": Row("ClipValue", "clipping", "v cut to [-max_abs, max_abs]", _PASCANU),
    "consensus": Row("Consensus", "consensus", "v - gamma J^T v", _MESCHEDER, products=1),
    "smoothing": Row(
        "Consensus", "consensus", "v - gamma P_d J^T v", f"{_MESCHEDER} (figure 7)", products=1
    ),
    "smoothing_code": Row(
        "Consensus", "consensus", "v - gamma P_d J^T P_g v", f"{_MESCHEDER} (code); {_QIN}",
        products=1,
    ),
    "nagarajan_kolter": Row(
        "Consensus", "consensus", "v - gamma P_g J^T P_d v",
        "V. Nagarajan, J. Z. Kolter: Gradient Descent GAN Optimization is Locally Stable, 2017",
        products=1,
    ),
    "jare": Row(
        "Consensus", "consensus", "v - gamma (P_d J^T P_g + P_g J^T P_d) v",
        "W. Nie, A. Patel: Towards a Better Understanding and Regularization of GAN Training "
        "Dynamics, 2019",
        products=2,
    ),
    "consensus_every_k": Row(
        "EveryK", "consensus", "v - k gamma J^T v each k-th step, else v",
        "T. Karras et al.: Analyzing and Improving the Image Quality of StyleGAN, 2020",
        products=0.25, period=4, memory="counts",
    ),
    "consensus_subsampled": Row(
        "Subsampled", "consensus", "v - gamma J_S^T v, S an n-th of the batch",
        "R. Byrd, G. Chin, W. Neveitt, J. Nocedal: On the Use of Stochastic Hessian Information in "
        "Optimization Methods for Machine Learning, 2011",
        evaluations=1.125, products=0.125,
    ),
    "consensus_norm_ratio": Row(
        "NormRatio", "consensus", "v - c J^T v, c = ratio |v| / |J^T v|", "ours",
        products=1, keeps="and others",
    ),
    "consensus_dual_ascent": Row(
        "DualAscent", "consensus", "v - gamma J^T v; gamma += rate (|v|^2 / 2 - target)",
        "S. Boyd, N. Parikh, E. Chu, B. Peleato, J. Eckstein: Distributed Optimization and "
        "Statistical Learning via the Alternating Direction Method of Multipliers, 2011",
        products=1, memory="a number",
    ),
    "consensus_spectral": Row(
        "SpectralConsensus", "consensus", "v - gamma J^T v; least gamma for the spectrum of J",
        "ours", products=1.32, period=100, memory="a number",
    ),
    "consensus_debiased": Row(
        "DebiasedConsensus", "consensus", "v - gamma (J_1^T v_2 + J_2^T v_1) / 2",
        f"{_MESCHEDER} (the bias)",
        evaluations=2, products=1,
    ),
    "hamiltonian": Row(
        "HamiltonianDescent", "consensus", "-J^T v",
        "J. Abernethy, K. Lai, A. Wibisono: Last-Iterate Convergence Rates for Min-Max "
        "Optimization, 2021",
        products=1, keeps="and others",
    ),
    "sga": Row(
        "Symplectic", "symplectic", "v + lam / 2 (J - J^T) v",
        "D. Balduzzi et al.: The Mechanics of n-Player Differentiable Games, 2018",
        products=2,
    ),
    "lss": Row(
        "LocalSymplecticSurgery", "symplectic", "(v + J^T u) / 2, (J^T J + c I) u = J^T v",
        "E. Mazumdar, M. Jordan, S. Sastry: On Finding Local Nash Equilibria (and Only Local Nash "
        "Equilibria) in Zero-Sum Games, 2019",
        products=None, solves=1, per_iteration=2, keeps="and others", players="2",
    ),
    "cgd": Row(
        "Competitive", "competitive", "(I - h J_o)^-1 v",
        "F. Schaefer, A. Anandkumar: Competitive Gradient Descent, 2019",
        products=None, solves=1, per_iteration=2, players="2",
    ),
    "acgd": Row(
        "AdaptiveCompetitive", "competitive", "(I - J_o H)^-1 v, H = h / (sqrt(s) + eps)",
        "F. Schaefer, H. Zheng, A. Anandkumar: Implicit Competitive Regularization in GANs, 2020",
        products=None, solves=1, per_iteration=2, memory="1", players="2",
    ),
    "lookahead_opponent": Row(
        "LookAhead", "opponent shaping", "v + J_o h v",
        "C. Zhang, V. Lesser: Multi-Agent Learning with Policy Prediction, 2010",
        products=2,
    ),
    "lola": Row(
        "LOLA", "opponent shaping", "v + J_o h v - (J^T h (I - P_i) dl_i)_i",
        "J. Foerster et al.: Learning with Opponent-Learning Awareness, 2018",
        evaluations=2, products=4, keeps="no",
    ),
    "sos": Row(
        "StableOpponentShaping", "opponent shaping", "v + J_o h v - p (J^T h (I - P_i) dl_i)_i",
        "A. Letcher et al.: Stable Opponent Shaping in Differentiable Games, 2019",
        evaluations=2, products=4,
    ),
    "linearly_implicit": Row(
        "LinearlyImplicit", "second order", "(I - h J)^-1 v",
        _HAIRER, products=None, solves=1,
    ),
    "newton": Row(
        "Newton", "second order", "-(J^T J + damping I)^-1 J^T v",
        "K. Levenberg: A Method for the Solution of Certain Non-Linear Problems in Least Squares, "
        "1944",
        products=None, solves=1, per_iteration=2, keeps="and others",
    ),
    "krylov_descent": Row(
        "KrylovDescent", "second order", "least |v + J w|, w in span{v, J^T v, ...}",
        "O. Vinyals, D. Povey: Krylov Subspace Descent for Deep Learning, 2012",
        products=5, keeps="and others",
    ),
    "momentum": Row(
        "Momentum", "momentum", "m, m <- beta m + v",
        "G. Gidel et al.: Negative Momentum for Improved Game Dynamics, 2019",
        memory="1",
    ),
    "complex_momentum": Row(
        "ComplexMomentum", "momentum", "Re m, m <- beta e^(i phi) m + v",
        "J. Lorraine, D. Acuna, P. Vicol, D. Duvenaud: Complex Momentum for Optimization in Games, "
        "2022",
        memory="2",
    ),
    "optimistic": Row(
        "Optimistic", "momentum", "2 v - last v",
        "C. Daskalakis, A. Ilyas, V. Syrgkanis, H. Zeng: Training GANs with Optimism, 2018",
        memory="2",
    ),
}  # fmt: skip

SCHEDULES: Mapping[str, Row] = {
    "simultaneous": Row("Simultaneous", "plain", "x <- x + h w(x)", _GOODFELLOW),
    "alternating": Row(
        "Alternating", "plain", "x_i <- x_i + h w_i(x), one player after the other", _GOODFELLOW
    ),
    "extragradient": Row(
        "Extragradient", "extrapolation", "x <- x + h w(x + h w(x))",
        "G. Korpelevich: The Extragradient Method for Finding Saddle Points and Other Problems, "
        f"1976; {_GIDEL}",
        evaluations=2,
    ),
    "from_past": Row(
        "ExtrapolationFromPast", "extrapolation", "x <- x + h w', w' = w(x + h last w')",
        "L. Popov: A Modification of the Arrow-Hurwicz Method for Search of Saddle Points, 1980; "
        f"{_GIDEL}",
        memory="1",
    ),
    "optimistic_step": Row(
        "OptimisticStep", "extrapolation", "x <- x + 2 (step of w) - last step of w",
        "C. Daskalakis, A. Ilyas, V. Syrgkanis, H. Zeng: Training GANs with Optimism, 2018",
        memory="1",
    ),
    "svre": Row(
        "VarianceReduced", "extrapolation", "extragradient on v_B(x) - v_B(snapshot) + its mean",
        "T. Chavdarova, G. Gidel, F. Fleuret, S. Lacoste-Julien: Reducing Noise in GAN Training "
        "with Variance Reduced Extragradient, 2019",
        evaluations=4.2, period=100, memory="2",
    ),
    "lookahead": Row(
        "Lookahead", "averaging", "x <- slow + alpha (x - slow) after each period of inner steps",
        "T. Chavdarova, M. Pagliardini, S. Stich, F. Fleuret, M. Jaggi: Taming GANs with "
        "Lookahead-Minmax, 2021",
        memory="1",
    ),
    "runge_kutta": Row(
        "RungeKutta", "integration", "Heun's method, or the classical one of order 4", _QIN,
        evaluations=2,
    ),
    "implicit_euler": Row(
        "ImplicitEuler", "integration", "x <- y with y = x + h w(y)",
        _HAIRER, evaluations=None, solves=1,
    ),
}  # fmt: skip
