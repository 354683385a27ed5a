"""What the players own."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from nashgrad.analysis.doctor.audit import FEATURES, Finding
from nashgrad.analysis.doctor.wording import told
from nashgrad.core.game import Game
from nashgrad.core.space import PlayerSpace

ONE_OWNER = "give each trainable parameter to one player, and all of them one type and device"


def space_of(game: Game) -> PlayerSpace | Finding:
    """The space that the game's parameters span, or why there is none."""
    try:
        return PlayerSpace(game)
    except (TypeError, ValueError) as error:
        return told(error, "error", ONE_OWNER, FEATURES)


def check_parameters(space: PlayerSpace, game: Game) -> Iterator[Finding]:
    """Half precision, and parameters that are frozen."""
    if space.dtype in (torch.float16, torch.bfloat16):
        what = f"parameters are {space.dtype}: products with J lose most of their digits"
        fix = "keep parameters in float32, and use GameField(game, autocast=torch.bfloat16)"
        yield Finding("warning", "game", what, fix, ("second order",))
    for player in space.players:
        owned = getattr(game, player)
        if not isinstance(owned, nn.Module):
            continue
        frozen = [name for name, p in owned.named_parameters() if not p.requires_grad]
        if frozen:
            more = f" and {len(frozen) - 1} more are" if len(frozen) > 1 else " is"
            fix = "requires_grad_(True) before the GameField is built, if it should learn"
            yield Finding("note", player, f"{frozen[0]}{more} frozen and will not move", fix)
