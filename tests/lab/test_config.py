"""Configurations: what loads, what is refused, and that what is printed loads again."""

import ast
import typing
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from nashgrad.lab import config as c
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import files
from nashgrad.lab.config.keys import kinds, variants
from nashgrad.lab.config.limits import Player
from nashgrad.lab.config.overrides import split

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))

RING = """\
game: ring
model: mlp
steps: 100
optimizer:
  generator: {name: rmsprop_tf, lr: 1e-4}
  discriminator: {name: adam, lr: 1e-4, betas: [0.5, 0.9]}
"""


def load(folder: Path, text: str, *words: str) -> c.Config:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return c.load(path, split(words))


def refusal(folder: Path, text: str, *words: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(folder, text, *words)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def is_of_images(path: Path) -> bool:
    return path.name.startswith(("cifar10", "celeba", "fashion_mnist"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_shipped_file_prints_and_reloads(path: Path, tmp_path: Path) -> None:
    overrides = split(["--data.path", "images.zip"] if is_of_images(path) else [])
    config = c.load(path, overrides)
    assert load(tmp_path, c.dump(config)) == config
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize(
    "path", [path for path in EXPERIMENTS if is_of_images(path)], ids=lambda p: p.name
)
def test_image_files_ask_for_the_images(path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        c.load(path)
    assert str(caught.value) == (
        f"{path}: data.path: the images game needs a folder, zip, npz or the CIFAR-10 archive: "
        "--data.path PATH"
    )


def test_paper_settings() -> None:
    config = c.load(EXPERIMENTS[0].parent / "ring_paper.yaml")
    assert config.game == c.Ring(modes=8, radius=1.0, sigma=0.01, stratified=True)
    assert config.method == c.Consensus(gamma=10.0)
    assert config.optimizer.generator == c.RmspropTf(lr=1e-4, decay=0.9, epsilon=1e-10)
    assert config.optimizer.discriminator == config.optimizer.generator
    assert (config.steps, config.data.batch, config.loss) == (20_000, 512, "standard")
    assert config.out == "runs/ring_paper-consensus-seed0"


@pytest.mark.parametrize(("layers", "gamma"), [(3, 0.1), (4, 10.0)])
def test_paper_gamma_depends_on_the_number_of_convolutions(layers: int, gamma: float) -> None:
    paths = [path for path in EXPERIMENTS if path.name.startswith(f"cifar10_dcgan{layers}")]
    assert len(paths) == 3
    for path in paths:
        config = c.load(path, split(["--data.path", "x"]))
        assert config.method == c.Consensus(gamma=gamma)
        assert isinstance(config.model, c.Conv)
        assert path.name == f"cifar10_{config.model.name}_paper.yaml"
        assert config.model.halvings == layers
        assert (config.model.filters, config.model.latent) == (64, 256)
        assert (config.steps, config.data.batch, config.evaluate.every) == (150_000, 64, 1_000)


def test_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, RING)
    assert config.method == c.NoMethod()
    assert config.schedule == c.Simultaneous()
    assert config.penalties == ()
    assert config.model == c.Mlp()
    assert config.optimizer.discriminator == c.Adam(lr=1e-4, betas=(0.5, 0.9))
    assert load(tmp_path, RING, "--schedule", "alternating").schedule == c.Alternating(
        turns=("discriminator", "generator")
    )


def test_configurations_are_frozen(tmp_path: Path) -> None:
    config = load(tmp_path, RING)
    with pytest.raises(AttributeError):
        config.steps = 3  # type: ignore[misc]


# Values that every limit allows, whatever the key.
def plain(kind: Any) -> st.SearchStrategy[Any]:
    if variants(kind):
        return st.sampled_from(sorted(variants(kind))).flatmap(
            lambda name: section(variants(kind)[name], name)
        )
    if is_dataclass(kind):
        return section(kind)
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if options[-1] is Ellipsis:
            return st.lists(plain(options[0]), max_size=4)
        return st.tuples(*map(plain, options)).map(list)
    if origin is dict:
        return st.dictionaries(blocks(plain(options[0])), plain(options[1]), min_size=1, max_size=3)
    if origin is typing.Literal:
        return st.sampled_from(options)
    if options:
        return st.one_of(map(plain, options))
    return {
        int: st.integers(1, 2**20),
        float: st.floats(0, 1, exclude_min=True, exclude_max=True),
        bool: st.booleans(),
        str: st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1),
        NoneType: st.none(),
    }[kind]


def blocks(layers: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Players, or what lies inside of them."""
    players = st.sampled_from(typing.get_args(Player))
    return players | st.builds("{}.{}".format, players, layers)


def section(kind: Any, name: str | None = None) -> st.SearchStrategy[dict[str, Any]]:
    values = {key: plain(inner) for key, inner in kinds(kind).items() if key != "name"}
    return st.fixed_dictionaries({"name": st.just(name)} | values if name else values)


def fitted(values: dict[str, Any]) -> dict[str, Any]:
    """Makes parts fit that are right only each for itself."""
    values["microbatches"] = min(values["microbatches"], values["data"]["batch"])
    if "parts" in values["method"]:
        values["method"]["parts"], values["microbatches"] = 1, 1
    if values["lr_schedule"]["name"] in ("cosine", "linear"):
        values["budget"] = None
    whole_steps = {"acgd", "newton", "krylov_descent", "implicit_euler"}
    if whole_steps & {values["method"]["name"], values["schedule"]["name"]}:
        values["optimizer"] = {"generator": {"name": "sgd"}, "discriminator": {"name": "sgd"}}
    if values["precision"] == "fp16":
        values["device"] = "cuda"
    if values["precision"] != "fp32" or values["unrolled"] is not None:  # not all know these
        values["engine"] = "eager"
    if values["model"]["name"] != "mlp":
        values["game"] = {"name": "images", "size": 48}
        values["model"] |= {"convolutions": None} if "convolutions" in values["model"] else {}
        values["model"]["filters"] += 1
    if values["loss"].startswith("relativistic"):
        values["label_smoothing"], values["microbatches"] = 0.0, 1
    path = values["data"]["path"] or "somewhere"
    values["data"]["path"] = path if values["game"]["name"] == "images" else None
    judged = values["evaluate"]
    judged["samples"] = max(judged["samples"], 6, 2 * judged["splits"])
    of_points = values["game"]["name"] not in ("images", "digits")
    if judged["extractor"] is not None and (judged["extractor"] == "identity") != of_points:
        judged["extractor"] = "identity" if of_points else "pixels"
    if "turns" in values["schedule"]:
        values["schedule"]["turns"] += ["generator", "discriminator"]
    return values


def configurations() -> st.SearchStrategy[c.Config]:
    return section(c.Config).map(fitted).map(TypeAdapter(c.Config).validate_python)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=configurations())
def test_what_is_printed_loads_as_the_same(tmp_path: Path, config: c.Config) -> None:
    again = load(tmp_path, c.dump(config))
    assert replace(again, out=config.out) == config
    assert config.out is None or again.out == config.out
    assert c.dump(again) == c.dump(replace(config, out=again.out))


@pytest.mark.parametrize("mark", ["\n", "\r", "\x85", "\u2028", "\u2029", "\ufeff", "\t"])
def test_names_with_line_breaks_of_any_kind_load_as_the_same(tmp_path: Path, mark: str) -> None:
    for name in (mark, f"a{mark}b", f"a {mark}"):
        cifar = EXPERIMENTS[0].with_name("cifar10.yaml")
        config = c.load(cifar, split(["--data.path", "x"]))
        config = replace(config, data=replace(config.data, path=name))
        assert load(tmp_path, c.dump(config)).data.path in (name, str(tmp_path / name))


@settings(max_examples=50)
@given(configurations())
def test_fingerprint_ignores_what_a_resumed_run_may_change(config: c.Config) -> None:
    moved = replace(config, out="elsewhere", device="auto", threads=3, log=c.Log(7))
    moved = replace(moved, data=replace(config.data, workers=9), checkpoint=c.Checkpoint(1, 1))
    assert c.fingerprint(moved) == c.fingerprint(config)
    assert c.fingerprint(replace(config, seed=config.seed + 1)) != c.fingerprint(config)
    longer = replace(config, steps=config.steps + 1)
    follows = isinstance(config.lr_schedule, c.Cosine | c.Linear)
    assert (c.fingerprint(longer) != c.fingerprint(config)) == follows


def test_a_key_at_its_default_does_not_change_the_fingerprint(monkeypatch: Any) -> None:
    """A later version's new key leaves the checkpoints of an earlier one of use."""
    config = c.load(EXPERIMENTS[0].with_name("ring.yaml"))
    assert c.fingerprint(replace(config, weight_clip=0.1)) != c.fingerprint(config)
    shown = []
    monkeypatch.setattr(files.json, "dumps", lambda values, **_: shown.append(values) or "")
    c.fingerprint(config)
    assert "weight_clip" not in shown[0]
    assert shown[0]["method"] == {"name": "consensus"}
    assert shown[0]["game"] == {"name": "ring"}


LR = "lr: 1e-4}\n  disc"

REFUSED = [
    (LR, "lrr: 1}\n  disc", "optimizer.generator.lrr: unknown key, did you mean lr?"),
    (LR, "lr: -0.001}\n  disc", "optimizer.generator.lr: must be greater than 0, got -0.001"),
    (LR, "lr: .nan}\n  disc", "optimizer.generator.lr: must be finite, got nan"),
    (LR, "lr: nan}\n  disc", "optimizer.generator.lr: must be finite, got nan"),
    (LR, "lr: 1e999}\n  disc", "optimizer.generator.lr: must be finite, got inf"),
    (LR, "lr: fast}\n  disc", "optimizer.generator.lr: expected a number, got 'fast'"),
    (LR, "lr: '1e-4'}\n  disc", "optimizer.generator.lr: expected a number, got '1e-4'"),
    (LR, "lr: true}\n  disc", "optimizer.generator.lr: expected a number, got true"),
    (LR, "lr: null}\n  disc", "optimizer.generator.lr: expected a number, got null"),
    (", 0.9]", "]", "optimizer.discriminator.betas: needs 2 values"),
    (", 0.9]", ", 0.9, 0.9]", "optimizer.discriminator.betas: needs 2 values"),
    ("0.9]", "1.0]", "optimizer.discriminator.betas[1]: must be less than 1, got 1.0"),
    (
        "betas: [0.5, 0.9]",
        "alpha: 0.9",
        "optimizer.discriminator.alpha: optimizer 'adam' has no alpha",
    ),
    (
        "rmsprop_tf",
        "rmsprop_tff",
        "optimizer.generator.name: unknown optimizer 'rmsprop_tff', did you mean rmsprop_tf? "
        "known: rmsprop_tf, rmsprop, adam, sgd",
    ),
    ("steps: 100", "steps: many", "steps: expected an integer, got 'many'"),
    ("steps: 100", "steps: 0", "steps: must be at least 1, got 0"),
    ("steps: 100", "steps: 1.5", "steps: expected an integer, got 1.5"),
    ("steps: 100", "steps: true", "steps: expected an integer, got true"),
    ("steps: 100", "steps: [1]", "steps: expected an integer, got [1]"),
    ("steps: 100", "steps: 99999999999", "steps: must be at most 1e+09, got 99999999999"),
    ("steps: 100", "", "steps: this key is required"),
    ("steps: 100", "stepps: 100", "stepps: unknown key, did you mean steps? (and 1 more)"),
    ("game: ring", "game: 3", "game: expected a section with keys, got 3"),
    ("game: ring", "game: {modes: 3}", "game.name: missing; known: ring, grid, digits, images"),
    (
        "game: ring",
        "game: rimg",
        "game.name: unknown game 'rimg', did you mean ring? known: ring, grid",
    ),
    ("game: ring", "game: [ring]", "game: expected a section with keys, got ['ring']"),
]

ADDED = [
    ("data: {batch: many}", "data.batch: expected an integer, got 'many'"),
    (
        "data: {path: x}",
        "data.path: the ring game brings its own data, got 'x'; write null there, or choose game "
        "images",
    ),
    ("data: 3", "data: expected a section with keys, got 3"),
    ("batch: 64", "batch: unknown key, did you mean data.batch?"),
    ("filters: 16", "filters: unknown key, did you mean model.filters?"),
    ("optimiser: {}", "optimiser: unknown key, did you mean optimizer?"),
    (
        "zzz: 1",
        "zzz: unknown key; known: game, model, steps, budget, data, loss, penalties",
    ),
    ("loss: jss", "loss: unknown loss 'jss', did you mean js? known: standard, js"),
    ("method: {name: consensus, gamma: -1}", "method.gamma: must be at least 0, got -1"),
    ("method: {name: consensus, gama: 1}", "method.gama: unknown key, did you mean gamma?"),
    (
        "method: {name: consensus, gamma: {generator: 1, discriminator.layers.0: -1}}",
        "method.gamma.discriminator.layers.0: must be at least 0, got -1",
    ),
    (
        "method: {name: consensus, gamma: {generator: 1, discriminater.layers.0: 1}}",
        "method.gamma: unknown player 'discriminater', did you mean discriminator? known: ",
    ),
    ("method: {name: consensus, gamma: {}}", "method.gamma: needs at least one"),
    (
        "method: {name: consensus, gamma: {discriminator: {layers.0: 1}}}",
        "method.gamma: names have dots and do not nest: write discriminator.layers.0: VALUE",
    ),
    ("gamma: 3", "gamma: unknown key, did you mean method.gamma?"),
    ("method.gamma: 3", "method.gamma: unknown key; keys of a file nest: method: {gamma: ...}"),
    ("method: {name: consensus, gamma: [1]}", "method.gamma: expected a number, got [1]"),
    ("method: {name: none, gamma: 1}", "method.gamma: method 'none' has no gamma"),
    (
        "method: {name: consensus, source: genrator}",
        "method.source: unknown player 'genrator', did you mean generator? "
        "known: generator, discriminator",
    ),
    (
        "method: consensu",
        "method.name: unknown method 'consensu', did you mean consensus? known: none, consensus, ",
    ),
    ("method: extragradient", "method: extragradient is a schedule: write schedule: extragradient"),
    (
        "method: {name: extragradient, resample: true}",
        "method: extragradient is a schedule: write schedule: extragradient",
    ),
    ("schedule: consensus", "schedule: consensus is a method: write method: consensus"),
    ("schedule: cosine", "schedule: cosine is an lr schedule: write lr_schedule: cosine"),
    ("lr_schedule: none", "lr_schedule.name: unknown lr schedule 'none'"),
    (
        "method: acgd",
        "optimizer.generator.name: acgd makes whole steps by itself, which rmsprop_tf would change "
        "again; use sgd without momentum (optimizer.generator.name: sgd, and the discriminator's)",
    ),
    (
        "schedule: {name: runge_kutta, order: 10000000000000000000000000}",
        "schedule.order: unknown order 10000000000000000000000000; known: 2, 4",
    ),
    (
        "schedule: {name: alternating, turns: [discriminator, critic]}",
        "schedule.turns[1]: unknown player 'critic'; known: generator, discriminator",
    ),
    (
        "schedule: {name: alternating, turns: [generator]}",
        "schedule.turns: the discriminator never moves",
    ),
    ("schedule: {name: alternating, turns: []}", "schedule.turns: the generator never moves"),
    ("penalties: [{name: r1, gama: 3}]", "penalties[0].gama: unknown key, did you mean gamma?"),
    ("penalties: [r3]", "penalties[0].name: unknown penalty 'r3'; known: r1, r2"),
    ("ema: 1", "ema: must be less than 1, got 1"),
    ("ema: unifrm", "ema: unknown ema 'unifrm', did you mean uniform? known: uniform"),
    ("budget: 0", "budget: must be at least 1, got 0"),
    ("evaluate: {spent: -1}", "evaluate.spent: must be at least 0, got -1"),
    ("unrolled: 5", "unrolled: expected a section with keys, got 5"),
    ("unrolled: {stps: 3}", "unrolled.stps: unknown key, did you mean steps?"),
    ("schedule: {name: runge_kutta, order: 3}", "schedule.order: unknown order 3; known: 2, 4"),
    (
        "schedule: {name: lookahead, inner: lookahead}",
        "schedule.inner: unknown inner 'lookahead'; known: simultaneous, alternating",
    ),
    ("schedule: {name: lookahead, alpha: 0}", "schedule.alpha: must be greater than 0, got 0"),
    ("precision: fp64", "precision: unknown precision 'fp64', did you mean fp16?"),
    ("precision: fp16\ndevice: cpu", "precision: fp16 needs device cuda"),
    (
        "precision: bf16\nengine: finite_difference",
        "engine: finite_difference needs precision fp32, got bf16",
    ),
    ("unrolled: {}\nengine: score", "engine: score does not know unrolled games"),
    ("engine: zerosum", "engine: unknown engine 'zerosum', did you mean zero_sum?"),
    ("microbatches: 65", "microbatches: must be at most data.batch, which is 64, got 65"),
    ("deterministic: 1", "deterministic: expected true or false, got 1"),
    ("out: 3", "out: expected text, got 3"),
    ('out: "a\\0b"', "out: must not hold a NUL character"),
    ("seed: -1", "seed: must be at least 0, got -1"),
]


@pytest.mark.parametrize(("old", "new", "message"), REFUSED)
def test_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in RING
    assert refusal(tmp_path, RING.replace(old, new)).startswith(f"config.yaml: {message}")


@pytest.mark.parametrize(("line", "message"), ADDED)
def test_refused_addition(tmp_path: Path, line: str, message: str) -> None:
    assert refusal(tmp_path, f"{RING}{line}\n").startswith(f"config.yaml: {message}")


@pytest.mark.parametrize(
    ("game", "model", "message"),
    [
        ("ring", "dcgan4", "model.name: dcgan4 makes images and the ring game has none; use mlp"),
        ("digits", "dcgan4", "model.name: dcgan4 needs images of a multiple of 16 pixels"),
        (
            "{name: images, size: 36}",
            "dcgan3",
            "model.name: dcgan3 needs images of a multiple of 8 pixels",
        ),
    ],
)
def test_networks_that_cannot_make_the_images(
    tmp_path: Path, game: str, model: str, message: str
) -> None:
    text = RING.replace("game: ring", f"game: {game}").replace("mlp", model)
    path = "x" if "images" in game else "null"
    found = refusal(tmp_path, f"{text}data: {{path: {path}}}\n")
    assert found.startswith(f"config.yaml: {message}")


FLAGS = [
    ("--method extragradient", "extragradient is a schedule: write --schedule extragradient"),
    ("--schedule consensus", "consensus is a method: write --method consensus"),
    ("--method.gamma nan", "must be finite, got nan"),
    ("--method.gamma .nan", "must be finite, got nan"),
    ("--method.gamma -inf", "must be finite, got -inf"),
    ("--method.gamma.generator.layers.0 x", "expected a number, got 'x'"),
    ("--method.gamma.generator", "needs a value"),
    ("--gamma.generator -1", "must be at least 0, got -1"),
]


@pytest.mark.parametrize(("words", "message"), FLAGS)
def test_refused_flags(tmp_path: Path, words: str, message: str) -> None:
    flag = words.split()[0]
    text = f"{RING}method: consensus\nschedule: alternating\n"
    assert refusal(tmp_path, text, *words.split()) == f"{flag}: {message}"


SGD = """\
game: ring
model: mlp
steps: 100
optimizer: {generator: sgd, discriminator: {name: sgd, momentum: 0.0}}
"""


@pytest.mark.parametrize(
    "line", ["method: acgd", "method: newton", "method: krylov_descent", "schedule: implicit_euler"]
)
def test_methods_that_make_whole_steps_ask_for_plain_sgd(tmp_path: Path, line: str) -> None:
    load(tmp_path, f"{SGD}{line}\n")
    name = line.split(": ")[1]
    found = refusal(tmp_path, f"{SGD}{line}\n", "--optimizer.discriminator.momentum", "0.5")
    assert found.startswith(
        f"config.yaml: optimizer.discriminator.name: {name} makes whole steps by itself, which sgd "
        "would change again; use sgd without momentum"
    )


def test_all_wrong_keys_are_counted(tmp_path: Path) -> None:
    message = refusal(tmp_path, f"{RING}sed: 1\nema: 3\nloss: x\n")
    assert message.endswith("(and 2 more)")


YAML = [
    ("a: [1", "config.yaml:1: while parsing a flow sequence expected"),
    ("steps: 1\nsteps: 2\n", "config.yaml:2: steps: this key is given twice"),
    ("data: {batch: 1, batch: 2}\n", "config.yaml:1: batch: this key is given twice"),
    ("- 1\n- 2\n", "config.yaml: expected keys and values, got list"),
    ("hello\n", "config.yaml: expected keys and values, got str"),
    ("", "config.yaml: is empty"),
    ("# nothing\n", "config.yaml: is empty"),
    (
        "out: !!python/object/apply:os.system [echo]\n",
        "config.yaml:1: the tag !!python/object/apply:os.system is refused",
    ),
    ("out: !!python/name:os.system\n", "config.yaml:1: the tag !!python/name:os.system is refused"),
    ("steps: !!int abc\n", "config.yaml:1: the tag !!int is refused"),
    ("1: 2\n", "config.yaml:1: a key must be text"),
    ("? [a]\n: 2\n", "config.yaml:1: a key must be text"),
    ("a: *nobody\n", "config.yaml:1: found undefined alias 'nobody'"),
    ("a: &x [*x]\n", "config.yaml:1: an alias holds itself"),
    ("a: 1\n---\nb: 1\n", "config.yaml:2: expected a single document"),
    ("a: \x07\n", "config.yaml: is not YAML text"),
    ("[" * 100_000, "config.yaml: is nested too deeply"),
    ("a: b: c\n", "config.yaml:1: mapping values are not allowed here"),
]


@pytest.mark.parametrize(("text", "message"), YAML, ids=lambda value: value[:20])
def test_yaml_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text).startswith(message)


def test_aliases_that_unfold_without_end(tmp_path: Path) -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12)]
    message = refusal(tmp_path, "\n".join(["l0: &l0 [1]", *levels]))
    assert "more than 10000 values" in message


def test_aliases_in_moderation(tmp_path: Path) -> None:
    text = RING[: RING.index("optimizer")] + (
        "optimizer:\n  generator: &it {name: adam, lr: 1e-3}\n"
        "  discriminator: {<<: *it, lr: 2e-3}\n"
    )
    config = load(tmp_path, text)
    assert config.optimizer == c.Optimizers(c.Adam(lr=1e-3), c.Adam(lr=2e-3))


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-4", 1e-4), ("1E+2", 100.0), (".5", 0.5), ("5.", 5.0), ("+1.5e0", 1.5), ("010", 10.0)],
)
def test_numbers_as_people_write_them(tmp_path: Path, written: str, value: float) -> None:
    config = load(tmp_path, f"{RING}method: {{name: consensus, gamma: {written}}}\n")
    assert config.method == c.Consensus(gamma=value)


BLOCKS = {"generator": 1.0, "discriminator.layers.0": 10.0}
IN_A_FILE = "{generator: 1, discriminator.layers.0: 10}"
AS_FLAGS = ["--gamma.generator", "1", "--method.gamma.discriminator.layers.0", "10"]


def consensus(folder: Path, gamma: object, *flags: str) -> c.Config:
    return load(folder, f"{RING}method: {{name: consensus, gamma: {gamma}}}\n", *flags)


def test_a_gamma_for_each_block(tmp_path: Path) -> None:
    """Its keys have dots of their own, in files and as flags."""
    written = consensus(tmp_path, IN_A_FILE)
    assert written.method == c.Consensus(gamma=BLOCKS)
    assert consensus(tmp_path, "{generator: 3}", *AS_FLAGS) == written
    (tmp_path / "again.yaml").write_text(c.dump(written))
    assert c.load(tmp_path / "again.yaml").method == written.method


def test_a_flag_changes_the_gamma_of_its_block_alone(tmp_path: Path) -> None:
    everything_else = {"discriminator": 5.0}
    assert consensus(tmp_path, 5, *AS_FLAGS).method == c.Consensus(gamma=everything_else | BLOCKS)
    default = load(tmp_path, f"{RING}method: consensus\n", *AS_FLAGS[:2])
    assert default.method == c.Consensus(gamma={"generator": 1.0, "discriminator": 10.0})


@pytest.mark.parametrize(
    "changes",
    [
        {"method.gamma": BLOCKS},
        {"method": {"gamma": BLOCKS}},
        {"method": {"name": "consensus", "gamma": BLOCKS}},
        {"method.gamma": {}} | {f"method.gamma.{key}": gamma for key, gamma in BLOCKS.items()},
    ],
)
@pytest.mark.parametrize("old", [3, {"discriminator": 2}])
def test_a_gamma_for_each_block_in_changes(changes: dict[str, Any], old: Any) -> None:
    values = {"method": {"name": "consensus", "gamma": old}}
    assert files.merged(values, changes, c.Config)["method"]["gamma"] == BLOCKS


def test_a_change_of_one_gamma_leaves_the_others() -> None:
    values = {"method": {"name": "consensus", "gamma": 3}}
    change = {"method.gamma.discriminator.layers.0": 7}
    assert files.merged(values, change, c.Config)["method"]["gamma"] == {
        "generator": 3,
        "discriminator": 3,
        "discriminator.layers.0": 7,
    }


def test_a_gamma_of_zero_says_what_none_says(tmp_path: Path) -> None:
    """A run that was begun with the one spelling goes on with the other."""
    said = consensus(tmp_path, "{generator: 1, discriminator: 0}")
    unsaid = consensus(tmp_path, "{generator: 1}")
    assert files.fingerprint(said) == files.fingerprint(unsaid)
    within = consensus(tmp_path, "{generator: 1, generator.layers.0: 0}")
    assert files.fingerprint(within) != files.fingerprint(unsaid)


def test_another_method_keeps_the_gammas_if_it_has_them(tmp_path: Path) -> None:
    assert consensus(tmp_path, IN_A_FILE, "--method", "jare").method == c.Jare(gamma=BLOCKS)
    assert consensus(tmp_path, IN_A_FILE, "--method", "smoothing").method == c.Smoothing()


def test_a_whole_float_is_an_integer(tmp_path: Path) -> None:
    steps = load(tmp_path, RING.replace("steps: 100", "steps: 1e4")).steps
    assert (steps, type(steps)) == (10_000, int)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "huge").write_bytes(b"#" * 2_000_000)
    for name, message in {
        "missing.yaml": "no such file or directory",
        "": "is a folder, not a configuration file",
        "binary": "is not text",
        "huge": "is larger than 1000 kB, no configuration",
    }.items():
        path = tmp_path / name
        with pytest.raises(UsageError) as caught:
            c.load(path)
        assert str(caught.value) == f"{path}: {message}"


def test_a_configuration_cannot_name_code() -> None:
    """No text of a configuration reaches an import."""
    folder = Path(c.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {node.id} if isinstance(node, ast.Name) else set()
            assert not names & {"__import__", "import_module", "eval", "exec"}, path


def test_keys_of_the_file(tmp_path: Path) -> None:
    """The names that files of users rest on."""
    keys = (
        "game model steps budget data loss penalties label_smoothing instance_noise weight_clip "
        "spectral_norm method schedule unrolled optimizer"
    )
    more = (
        "lr_schedule ema precision engine microbatches device threads seed deterministic log "
        "evaluate checkpoint diagnose out"
    )
    assert " ".join(asdict(load(tmp_path, RING))) == f"{keys} {more}"
