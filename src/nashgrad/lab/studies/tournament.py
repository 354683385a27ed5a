"""Methods against each other on one game, at an equal budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from nashgrad.lab.common.atomic import write_json, write_text
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import Config
from nashgrad.lab.config.files import merged, read, validate
from nashgrad.lab.config.tournament import Tournament
from nashgrad.lab.studies.points import exit_code
from nashgrad.lab.studies.results import Entrant, Played, draw, results, tables
from nashgrad.lab.studies.runner import Job, Outcome
from nashgrad.lab.studies.stage import Stage, study, typed
from nashgrad.lab.training.session import Session
from nashgrad.lab.training.train import prepare

MOST_STEPS = 10**9  # a budget ends a run, not its steps


@dataclass(frozen=True)
class Lineup:
    """A tournament and the configurations of its entrants."""

    plan: Tournament
    configs: Mapping[str, Config]
    folder: Path

    def job(self, entrant: str, seed: int, factor: float, share: float = 1.0) -> Job:
        """One run of an entrant, with its learning rates times a factor."""
        plan, config = self.plan, _scaled(self.configs[entrant], factor)
        budget = None if plan.budget is None else max(1, round(plan.budget * share))
        steps = MOST_STEPS if plan.steps is None else max(1, round(plan.steps * share))
        every = max(1, (budget or steps) // plan.points)
        name = f"{entrant}, lr x{factor:g}, seed {seed}"
        stage = "tuning" if share < 1 or self.tuned(seed) else "runs"
        return Job(
            f"{name}, tuning" if stage == "tuning" else name,
            replace(
                config,
                seed=seed,
                steps=steps,
                budget=budget,
                threads=1,
                log=replace(config.log, every=max(1, min(config.log.every, 1_000))),
                evaluate=replace(
                    config.evaluate,
                    every=0 if budget else every,
                    spent=every if budget else 0,
                    pictures=False,
                ),
                checkpoint=replace(
                    config.checkpoint,
                    every=0 if budget else every,
                    spent=4 * every if budget else 0,
                    keep=1,
                ),
                out=str(self.folder / stage / entrant / f"lr{factor:g}-seed{seed}"),
            ),
        )

    def tuned(self, seed: int) -> bool:
        """Whether a seed is one of those that learning rates are chosen on."""
        return self.plan.tuning is not None and seed in self.plan.tuning.seeds


def tournament(
    path: str, *, out: str | None = None, jobs: int | None = None, console: Console | None = None
) -> int:
    """Plays a tournament to its end, from where it stands; leaves tables, a picture and JSON.

    Returns:
        The exit code: 0, 4 when a run failed, or 128 + signal when interrupted.

    Raises:
        UsageError: The file says something impossible, an entrant cannot be trained, or the folder
            holds another tournament's runs.
    """
    folder = Path(out or f"runs/tournament-{Path(path).stem}")
    ended: list[Outcome] = []
    code = study(
        folder,
        lambda: prepare_lineup(path, folder),
        partial(_play, ended),
        command=typed("tournament", path, out=out, jobs=jobs),
        jobs=jobs,
        console=console,
    )
    return code or exit_code(ended)


def _play(ended: list[Outcome], lineup: Lineup, stage: Stage) -> bool:
    """Whether it was played to its end; how its runs ended is added to `ended`."""
    factors, tuned = dict.fromkeys(lineup.configs, 1.0), {}
    if lineup.plan.tuning is not None:
        tried = _tuning_jobs(lineup)
        if (tuning := stage.play(list(tried.values()))) is None:
            return False
        ended += tuning
        tuned = _scores_of_tuning(lineup, tried)
        factors = {name: best(scores, lineup.plan) for name, scores in tuned.items()}
    reported = {
        (name, seed): lineup.job(name, seed, factors[name])
        for seed in lineup.plan.seeds  # a machine that changes its speed changes it for all
        for name in lineup.configs
    }
    outcomes = stage.play(list(reported.values()))
    if outcomes is None:
        return False
    ended += outcomes
    entrants = [
        Entrant(
            name,
            factors[name],
            tuned.get(name, {}),
            {seed: Played.of(reported[name, seed], outcomes) for seed in lineup.plan.seeds},
        )
        for name in lineup.configs
    ]
    _leave(lineup, entrants, stage.at_once, stage.console)
    return True


def prepare_lineup(path: str, folder: Path) -> Lineup:
    """Reads the file and tries each entrant, before anything runs."""
    plan = validate(Tournament, read(path), path)
    base = Path(path).parent / plan.base
    values = read(base)
    configs = {
        name: validate(Config, merged(values, changes, Config), f"{path}: entrants.{name}")
        for name, changes in plan.entrants.items()
    }
    lineup = Lineup(plan, configs, folder)
    for name in configs:
        try:
            session = prepare(lineup.job(name, plan.seeds[0], 1.0).config)
        except UsageError as error:
            raise UsageError(f"{path}: entrants.{name}: {error}") from error
        _refuse_unknown_score(path, plan.score, session)
    return lineup


def _refuse_unknown_score(path: str, score: str, session: Session) -> None:
    known = session.task.scores(session.samples())
    if score not in known:
        raise UsageError(f"{path}: score: {score!r} is none of {', '.join(known)}")


def _scaled(config: Config, factor: float) -> Config:
    """Both players' learning rates times a factor."""
    both = config.optimizer
    players = {
        player: replace(section, lr=float(f"{section.lr * factor:.6g}"))
        for player, section in (
            ("generator", both.generator),
            ("discriminator", both.discriminator),
        )
    }
    return replace(config, optimizer=replace(both, **players))


def _tuning_jobs(lineup: Lineup) -> dict[tuple[str, float, int], Job]:
    tuning = lineup.plan.tuning
    assert tuning is not None
    return {
        (name, factor, seed): lineup.job(name, seed, factor, tuning.share)
        for seed in tuning.seeds
        for factor in tuning.factors
        for name in lineup.configs
    }


def _scores_of_tuning(
    lineup: Lineup, jobs: Mapping[tuple[str, float, int], Job]
) -> dict[str, dict[float, list[float]]]:
    """Each entrant's scores by factor; what is not finite is as bad as can be."""
    assert lineup.plan.tuning is not None
    return {
        name: {
            factor: [
                Played.of(jobs[name, factor, seed], []).score(lineup.plan)
                for seed in lineup.plan.tuning.seeds
            ]
            for factor in lineup.plan.tuning.factors
        }
        for name in lineup.configs
    }


def best(scores: Mapping[float, Sequence[float]], plan: Tournament) -> float:
    """The factor with the fewest runs lost, then the best median, then the least change.

    Runs that failed tell nothing of it.
    """

    def rank(factor: float) -> tuple[bool, float, float, float]:
        known = [score for score in scores[factor] if not math.isnan(score)]
        finite = [score for score in known if math.isfinite(score)]
        lost = (len(known) - len(finite)) / max(1, len(known))
        middle = median(finite) if finite else math.inf
        return (
            not known,
            lost,
            -middle if plan.higher_is_better and finite else middle,
            abs(math.log(factor)),
        )

    return min(scores, key=rank)


def _leave(lineup: Lineup, entrants: Sequence[Entrant], jobs: int, console: Console) -> None:
    folder, plan = lineup.folder, lineup.plan
    values: dict[str, Any] = results(plan, entrants, jobs)
    text = tables(plan, values)
    write_json(folder / "results.json", values)
    write_text(folder / "results.md", text)
    draw(plan, values, folder)
    console.print(f"\n{text}", soft_wrap=True, markup=False)
    console.print(str(folder), soft_wrap=True, markup=False)
