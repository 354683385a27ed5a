"""The command line: overrides, shorthands, help, and errors in one line."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nashgrad.lab import config as c
from nashgrad.lab.commands import cli
from nashgrad.lab.config import files

ROOT = Path(__file__).parents[2]
RING = str(ROOT / "experiments" / "ring.yaml")
DIGITS = str(ROOT / "experiments" / "digits.yaml")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the commands were asked to do, in place of doing it."""
    made: list[tuple[Any, ...]] = []
    train, demo = (
        ModuleType("nashgrad.lab.training.train"),
        ModuleType("nashgrad.lab.commands.demo"),
    )

    def record(name: str) -> Any:
        return lambda *args, **kwargs: made.append((name, *args, kwargs)) or 0

    train.train, train.resume = record("train"), record("resume")  # type: ignore[attr-defined]
    demo.demo = record("demo")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nashgrad.lab.training.train", train)
    monkeypatch.setitem(sys.modules, "nashgrad.lab.commands.demo", demo)
    return made


@pytest.fixture
def trained(calls: list[tuple[Any, ...]]) -> Any:
    """The configuration that a command line trains."""

    def run(*words: str) -> c.Config:
        assert cli.main(["train", *words]) == 0
        config: c.Config = calls[-1][1]
        return config

    return run


def error(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err.strip().replace(f"{ROOT}/experiments/", "")


def test_commands(calls: list[tuple[Any, ...]]) -> None:
    assert cli.main(["train", RING]) == 0
    assert cli.main(["train", "--overwrite", RING]) == 0
    assert cli.main(["train", RING, "--overwrite"]) == 0
    assert cli.main(["resume", "runs/x"]) == 0
    assert cli.main(["demo"]) == 0
    assert cli.main(["demo", "--out", "here"]) == 0
    ring = c.load(RING)
    assert calls == [
        ("train", ring, {"overwrite": False}),
        ("train", ring, {"overwrite": True}),
        ("train", ring, {"overwrite": True}),
        ("resume", "runs/x", {}),
        ("demo", {"out": "runs/demo"}),
        ("demo", {"out": "here"}),
    ]


def test_the_command_s_exit_code_is_passed_on(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["nashgrad.lab.training.train"], "train", lambda *a, **k: 3)
    assert cli.main(["train", RING]) == 3


def test_dotted_keys(trained: Any) -> None:
    config = trained(
        RING, "--optimizer.generator.lr", "1e-3", "--steps=7", "--model.generator", "8", "9",
        "--model.discriminator", "5", "--game.stratified", "false", "--ema", "0.9",
        "--evaluate.samples", "10", "--lr-schedule", "cosine", "--out", "2024",
    )  # fmt: skip
    assert config.optimizer.generator.lr == 1e-3
    assert config.optimizer.discriminator.lr == 5e-4
    assert config.model == c.Mlp(generator=(8, 9), discriminator=(5,))
    assert (config.steps, config.ema, config.out) == (7, 0.9, "2024")
    assert (config.game.stratified, config.evaluate.samples) == (False, 10)
    assert config.lr_schedule == c.Cosine()


def test_keys_that_the_file_leaves_out(trained: Any) -> None:
    assert trained(RING, "--lr_schedule.name", "step", "--lr_schedule.every", "5").lr_schedule == (
        c.StepDecay(every=5)
    )
    assert trained(RING, "--checkpoint.keep", "1").checkpoint == c.Checkpoint(2_500, 1)
    assert trained(RING, "--penalties", "r1").penalties == (c.R1(),)
    assert trained(RING, "--penalties", "[{name: r2, gamma: 1}, r1]").penalties == (
        c.R2(gamma=1.0),
        c.R1(),
    )


def test_null_removes(trained: Any) -> None:
    assert trained(RING, "--ema", "0.9", "--ema", "null").ema is None
    assert trained(RING, "--out", "null").out == "runs/ring-consensus-seed0"


def test_shorthands(trained: Any) -> None:
    config = trained(RING, "--lr", "1e-3", "--gamma", "3", "--schedule", "alternating")
    assert config.optimizer == c.Optimizers(c.RmspropTf(lr=1e-3), c.RmspropTf(lr=1e-3))
    assert config.method == c.Consensus(gamma=3.0)
    assert config.schedule == c.Alternating()
    assert config.out == "runs/ring-consensus-seed0"
    config = trained(RING, "--loss", "js", "--method", "none", "--seed", "4")
    assert (config.loss, config.method) == ("js", c.NoMethod())
    assert config.out == "runs/ring-none-seed4"


def test_a_new_name_brings_its_own_keys(trained: Any) -> None:
    assert trained(RING, "--method", "clip_norm").method == c.ClipNorm()
    assert trained(RING, "--method", "clip_norm", "--method.max_norm", "2").method == c.ClipNorm(
        max_norm=2
    )
    assert trained(RING, "--method.max_norm", "2", "--method", "clip_norm").method == c.ClipNorm(
        max_norm=2
    )


def test_a_new_name_keeps_what_means_the_same(trained: Any) -> None:
    assert trained(DIGITS, "--method", "jare").method == c.Jare(gamma=1.0)
    assert trained(DIGITS, "--method", "jare", "--gamma", "2").method == c.Jare(gamma=2.0)
    adam = trained(RING, "--optimizer.generator", "adam").optimizer.generator
    assert adam == c.Adam(lr=5e-4)
    assert trained(DIGITS, "--game", "grid").game == c.Grid()
    assert trained(DIGITS, "--model", "mlp").model == c.load(DIGITS).model
    assert trained(DIGITS, "--model", "dcgan3").model == c.Conv("dcgan3", latent=32)
    cifar = [str(ROOT / "experiments" / "cifar10.yaml"), "--data.path", "x"]
    assert trained(*cifar, "--model", "dcgan4").model == c.Conv("dcgan4", filters=32)


def test_an_exact_key_wins_over_a_shorthand(trained: Any) -> None:
    for words in (("--lr", "1", "--optimizer.generator.lr", "2"),
                  ("--optimizer.generator.lr", "2", "--lr", "1")):  # fmt: skip
        optimizer = trained(RING, *words).optimizer
        assert (optimizer.generator.lr, optimizer.discriminator.lr) == (2, 1)


ERRORS = [
    ("--optimizer.generator.lrr 3", "--optimizer.generator.lrr: unknown key, did you mean lr?"),
    (
        "--optimiser.generator.lr 3",
        "--optimiser.generator.lr: unknown key, did you mean optimizer?",
    ),
    ("--lr -1", "--lr: must be greater than 0, got -1"),
    ("--lr=-1", "--lr: must be greater than 0, got -1"),
    ("--lrr 1", "--lrr: unknown key, did you mean lr?"),
    ("--gama 1", "--gama: unknown key, did you mean gamma?"),
    ("--method none --gamma 3", "--gamma: method 'none' has no gamma"),
    ("--gamma 3 --method clip_norm", "--gamma: method 'clip_norm' has no gamma"),
    ("--gamma -3", "--gamma: must be at least 0, got -3"),
    ("--gamma .inf", "--gamma: must be finite, got inf"),
    ("--gamma", "--gamma: needs a value"),
    ("--steps", "--steps: needs a value"),
    ("--steps 1 2", "--steps: expected an integer, got [1, 2]"),
    ("--steps many", "--steps: expected an integer, got 'many'"),
    ("--steps.x 1", "--steps.x: steps has no keys"),
    ("--stepz 1", "--stepz: unknown key, did you mean steps?"),
    ("--overwrit", "--overwrit: unknown key, did you mean --overwrite?"),
    ("--method consensu --gamma 3", "--method: unknown method 'consensu', did you mean consensus?"),
    ("--method.max_norm 3", "--method.max_norm: method 'consensus' has no max_norm"),
    (
        "--schedule.turns generator discriminator",
        "--schedule.turns: schedule 'simultaneous' has no turns",
    ),
    (
        "--schedule alternating --schedule.turns discriminator gen",
        "--schedule.turns: unknown player 'gen'; known: generator, discriminator",
    ),
    (
        "--schedule alternating --schedule.turns discriminator",
        "--schedule.turns: the generator never moves",
    ),
    ("--model dcgan4", "--model: dcgan4 makes images and the ring game has none; use mlp"),
    ("--microbatches 1000", "--microbatches: must be at most data.batch, which is 512, got 1000"),
    (
        "--penalties r3",
        "--penalties: unknown penalty 'r3'; known: r1, r2, wgan_gp",
    ),
    ("--data.batch 0", "--data.batch: must be at least 1, got 0"),
    ("--data.path=", "--data.path: must not be empty"),
    ("-- 3", "--: unknown key; known:"),
]


@pytest.mark.parametrize(("words", "message"), ERRORS)
def test_errors_of_keys(
    capsys: pytest.CaptureFixture[str], calls: list[tuple[Any, ...]], words: str, message: str
) -> None:
    assert error(capsys, "train", RING, *words.split()).startswith(message)
    assert calls == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("trian x", "nashgrad: unknown command 'trian', did you mean train?"),
        ("--trian", "nashgrad: unknown command '--trian', did you mean train?"),
        ("zzz", "nashgrad: unknown command 'zzz'; known: train, resume, diagnose"),
        ("train", "nashgrad train: needs a file first"),
        ("train --steps 3 x.yaml", "nashgrad train: needs a file first"),
        ("train a.yaml b.yaml", "nashgrad: Unrecognized options: b.yaml"),
        ("train missing.yaml", "missing.yaml: no such file or directory"),
        ("resume", "nashgrad: Missing from nashgrad resume: RUN"),
        ("resume a --out b", "nashgrad resume: unknown flag --out"),
        ("demo --ot b", "nashgrad demo: unknown flag --ot, did you mean --out?"),
        ("demo --out", "nashgrad: Missing value for argument '--out'"),
        ("demo b", "nashgrad: Unrecognized options: b"),
    ],
)
def test_errors_of_commands(
    capsys: pytest.CaptureFixture[str], calls: list[tuple[Any, ...]], words: str, message: str
) -> None:
    assert error(capsys, *words.split()).startswith(message)
    assert calls == []


def test_print_config_prints_nothing_else(
    capsys: pytest.CaptureFixture[str], calls: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    assert cli.main(["train", RING, "--gamma", "3", "--print-config"]) == 0
    out, err = capsys.readouterr()
    path = tmp_path / "printed.yaml"
    path.write_text(out)
    config = c.load(path)
    assert (config.method, config.out) == (c.Consensus(gamma=3.0), "runs/ring-consensus-seed0")
    assert (err, calls) == ("", [])


def test_help_lists_every_key_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--help"]) == 0
    out = capsys.readouterr().out
    for text in (
        "--overwrite", "--print-config", "--gamma G", "--lr RATE", "--method.gamma (10.0)",
        "--optimizer.generator.lr (0.0001)", "--evaluate.every (1000)", "dcgan4_nobn_cf",
        "--schedule.turns ([discriminator, generator])", "--out (null)", "--steps (required)",
    ):  # fmt: skip
        assert text in out, text
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["resume", "--help"], ["demo", "-h"]])
def test_help_of_commands(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert cli.main(words) == 0
    assert "usage: nashgrad" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "version", lambda name: "1.2.3")
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "nashgrad 1.2.3\n"


def test_an_interrupt_is_quiet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_text", interrupted)
    assert cli.main(["train", RING]) == 130
    assert capsys.readouterr() == ("", "")


# Stands for a `nashgrad` whose package imports nothing: what is left is the command line's own.
ALONE = """
import sys, types
package = types.ModuleType("nashgrad")
package.__path__ = [{path!r}]
sys.modules["nashgrad"] = package
from nashgrad.lab.commands.cli import main
code = main({words!r})
sys.stderr.write(" ".join(sorted({{"torch", "matplotlib", "scipy"}} & set(sys.modules))))
sys.exit(code)
"""


def alone(words: list[str], **options: Any) -> "subprocess.Popen[str]":
    script = ALONE.format(path=str(Path(c.__file__).parents[2]), words=words)
    return subprocess.Popen([sys.executable, "-c", script], text=True, **options)


def test_help_does_not_wait_for_torch() -> None:
    process = alone(["train", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "--gamma" in out


def test_a_closed_pipe_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = alone(["train", RING, "--print-config"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert process.communicate()[1] == ""
    assert process.returncode == 141
