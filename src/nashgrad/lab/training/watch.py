"""Spectra along training: the outermost eigenvalues every so many steps, within a share of time."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from nashgrad.adjustments import Identity
from nashgrad.analysis.spectrum import Which, spectrum
from nashgrad.core.adjusted import AdjustedField
from nashgrad.core.field import GameField
from nashgrad.core.operators import LinearOperator
from nashgrad.lab.training.session import Session

KINDS: tuple[Which, ...] = ("LM", "LR", "LI")
"""Largest in magnitude, rightmost, largest in their imaginary part."""
MOST = 200
"""Products a search may take."""


class Watch:
    """Looks at v', and at w' where there is a method, on one batch that training does not see.

    Searches start from where the last one ended. The first look is always taken, so that its cost
    is known; a later one is left out when all looks would take more than the share. Training goes
    on as it would without: looks draw from a stream of their own and update nothing.
    """

    def __init__(self, session: Session) -> None:
        self._config = session.config.diagnose
        stream = session.new_stream()
        self._batch = session.ranks.share(next(stream))
        opt = session.opt
        self._field = GameField(opt.field.game)
        self._starts: dict[tuple[str, str], Tensor | None] = {}
        self.seconds, self.skipped = 0.0, 0
        self._last = 0.0
        self._adjusted: AdjustedField | None = None
        self.reason = ""
        if isinstance(opt.adjustment, Identity):
            return  # w' is v'
        try:
            self._adjusted = AdjustedField(self._field, opt.adjustment)
        except ValueError as error:
            self.reason = str(error)

    def is_due(self, step: int, training: float) -> bool:
        """Whether to look now: after so many steps, and within the share of the time."""
        if not self._config.every or step % self._config.every:
            return False
        spent = self.seconds + self._last
        if self.seconds and spent > self._config.share * (spent + training):
            self.skipped += 1
            return False
        return True

    def look(self) -> dict[str, Any]:
        """By map and kind: eigenvalues, residuals and products; seconds, and those left out."""
        began = time.perf_counter()
        record: dict[str, Any] = {}
        for name, field in (("v", self._field), ("w", self._adjusted)):
            if field is None:
                continue
            try:
                record[name] = self._spectra(name, field.linearize(self._batch).jacobian)
            except torch.OutOfMemoryError:
                raise
            except (ValueError, RuntimeError) as error:  # not finite, or no third derivative
                record[f"{name}_unknown"] = str(error).splitlines()[0]
        if self.reason:
            record["w_unknown"] = self.reason
        self._last = time.perf_counter() - began
        self.seconds += self._last
        return {**record, "seconds": self._last, "skipped": self.skipped}

    def _spectra(self, name: str, operator: LinearOperator) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind in KINDS:
            key = (name, kind)
            s = spectrum(
                operator,
                min(self._config.k, operator.size),
                kind,
                start=self._starts.get(key),
                max_products=max(MOST, 3 * self._config.k + 10),
            )
            self._starts[key] = s.start
            found[kind] = {
                "eigenvalues": [[x.real, x.imag] for x in s.eigenvalues.tolist()],
                "residuals": s.residuals.tolist(),
                "products": s.products,
                "complete": s.complete,
            }
        return found
