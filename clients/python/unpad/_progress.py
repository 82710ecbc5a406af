"""Progress of work that takes more than half a second: tqdm if it can be imported, else a line of text."""

from __future__ import annotations

import importlib.util
import sys
import time
import warnings
from typing import Any, Optional

AFTER, EVERY = 0.5, 0.2


class Progress:
    """`show` is what the caller asked for: None for long work only, True for any, False for none."""

    def __init__(self, what: str, unit: str, show: Optional[bool], total: Optional[int] = None) -> None:
        self.what, self.unit, self.total, self.done = what, unit, total, 0
        self._show = show is not False
        self._next = time.monotonic() + (0 if show else AFTER)
        self._bar: Any = None
        self._width = 0

    def add(self, count: int) -> None:
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        elif self._show and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            if self._width == 0:
                self._bar = self._tqdm()
            if self._bar is None:
                self._write()

    def close(self) -> None:
        """Ends the line that was begun, if one was."""
        if self._bar is not None:
            self._bar.close()
        elif self._width:
            self._write("\n")
        self._bar, self._width, self._show = None, 0, False

    def _tqdm(self) -> Any:
        if importlib.util.find_spec("tqdm") is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there are no ipywidgets or, in Pyodide, no threads
                from tqdm.auto import tqdm  # type: ignore[import-untyped]
                scale = self.unit == "B"
                bar = tqdm(desc=self.what, total=self.total, unit="B" if scale else f" {self.unit}", unit_scale=scale)
            bar.update(self.done)
            return bar
        except Exception:  # whatever is wrong with a bar, the data is worth more
            return None

    def _write(self, end: str = "") -> None:
        divisor, unit = (1, self.unit) if self.unit != "B" else (1e6, "MB") if (self.total or self.done) >= 1e6 else (1e3, "kB")
        amount, total = (f"{count / divisor:,.{0 if divisor == 1 else 1}f}" for count in (self.done, self.total or 0))
        of = f" of {total} {unit} ({100 * self.done // self.total} %)" if self.total else f" {unit}"
        said = f"{self.what}: {amount}{of}"
        if sys.stderr is not None:
            sys.stderr.write("\r" + said.ljust(self._width) + end)
            sys.stderr.flush()
        self._width = len(said)
