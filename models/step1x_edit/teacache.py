"""TeaCache: steps whose input hardly changed reuse the last step's residual (arXiv 2411.19108)."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from step1x_edit.functional import layer_norm

COEFFICIENTS = (498.651651, -283.781631, 55.8554382, -3.82021401, 0.264230861)
"""Of the polynomial that turns a relative change into an estimate, highest power first."""
THRESHOLD = 0.2

Trunk = Callable[[Tensor, Tensor | None], Tensor]
"""The blocks as a function of embedded tokens (n, L_i, D) and which rows they are, an index (n,) in int64 on
the tokens' device or None for all; returns the first K ≤ L_i image tokens, (n, K, D)."""


def estimate(change: float) -> float:
    """Return P(δ), the estimated change of the output."""
    value = 0.0
    for coefficient in COEFFICIENTS:
        value = value * change + coefficient
    return value


def relative_changes(feature: Tensor, before: Tensor, samples: int) -> Tensor:
    """Return δ = mean|F - F'| / mean|F'| over the rows and tokens of each sample, (samples,).

    Args:
        feature: F, (R·samples, L, D); row r of sample b is at r·samples + b.
        before: F', likewise.
        samples: of the batch.
    """

    def means(x: Tensor) -> Tensor:
        # Row by row, so that a sample's sum has the same order of additions whatever else is in the batch.
        return torch.stack([row.mean() for row in x.abs()]).view(-1, samples).mean(0)

    return means(feature - before) / means(before)


@dataclass(slots=True)
class TeaCache:
    """The state of one generation of `steps` calls for `samples` pictures, each of which decides as if alone.

    A step is `begin`, then `finish`. `changes` and `computed` tell what happened, by sample and step: δ (0
    in the first and the last step, where it isn't taken), and whether the blocks ran.
    """

    steps: int
    threshold: float = THRESHOLD
    samples: int = 1
    changes: list[list[float]] = field(init=False)
    computed: list[list[bool]] = field(init=False)
    _step: int = field(default=0, init=False)
    _accumulated: list[float] = field(init=False)
    _embedded: Tensor | None = field(default=None, init=False)
    _feature: Tensor | None = field(default=None, init=False)
    _residual: Tensor | None = field(default=None, init=False)
    _host: Tensor | None = field(default=None, init=False)
    _copied: torch.cuda.Event | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.changes = [[] for _ in range(self.samples)]
        self.computed = [[] for _ in range(self.samples)]
        self._accumulated = [0.0] * self.samples

    def begin(self, embedded: Tensor) -> None:
        """Note a step's input; in an inner step, start the copy of its changes to the host.

        What is queued on a GPU between `begin` and `finish` runs while the host waits for that copy.

        Args:
            embedded: the embedded image tokens, (R·samples, L_i, D): the rows of all samples with their
                prompts, then, under guidance, those of all samples without.

        Raises:
            ValueError: the rows can't be shared out among the samples.
        """
        if len(embedded) % self.samples:
            raise ValueError(f"{len(embedded)} rows can't be those of {self.samples} samples")
        self._embedded = embedded
        if self._is_last():
            return
        feature = layer_norm(embedded.float())
        if self._feature is not None and self._step > 0:
            self._start_copy(relative_changes(feature, self._feature, self.samples))
        self._feature = feature

    def finish(self, compute: Trunk) -> Tensor:
        """Return the trunk's output, computed or as the last computed step suggests it, (R·samples, K, D).

        Args:
            compute: the trunk; called once if any sample must be computed, with the rows of those only.

        Raises:
            RuntimeError: the step wasn't begun.
        """
        embedded = self._embedded
        if embedded is None:
            raise RuntimeError("a step is begun before it is finished")
        computing = self._decide()
        self._embedded = None
        self._step += 1
        if all(computing):
            trunk = compute(embedded, None)
            self._residual = trunk - embedded[:, : trunk.shape[1]]
            return trunk
        residual = self._residual
        if residual is None:
            raise RuntimeError("nothing has been computed yet")
        suggested = embedded[:, : residual.shape[1]] + residual
        if not any(computing):
            return suggested
        rows = self._rows(computing, embedded)
        some = embedded.index_select(0, rows)
        trunk = compute(some, rows)
        residual.index_copy_(0, rows, trunk - some[:, : trunk.shape[1]])
        return suggested.index_copy_(0, rows, trunk)

    def _is_last(self) -> bool:
        return self._step == self.steps - 1

    def _start_copy(self, changes: Tensor) -> None:
        on_gpu = changes.is_cuda
        if self._host is None:
            self._host = torch.empty(self.samples, dtype=torch.float32, pin_memory=on_gpu)
        self._host.copy_(changes, non_blocking=True)
        if on_gpu:
            self._copied = torch.cuda.Event()
            self._copied.record(torch.cuda.current_stream(changes.device))

    def _read(self) -> list[float]:
        if self._host is None:
            raise RuntimeError("no copy was started")
        if self._copied is not None:
            self._copied.synchronize()
        return self._host.tolist()

    def _decide(self) -> list[bool]:
        outer = self._step == 0 or self._is_last()
        changes = [0.0] * self.samples if outer else self._read()
        for sample, change in enumerate(changes):
            accumulated = self._accumulated[sample] + (0.0 if outer else estimate(change))
            # Not "≥ threshold": a change that is no number must be computed.
            must = outer or not accumulated < self.threshold
            self._accumulated[sample] = 0.0 if must else accumulated
            self.changes[sample].append(change)
            self.computed[sample].append(must)
        return [computed[-1] for computed in self.computed]

    def _rows(self, computing: list[bool], embedded: Tensor) -> Tensor:
        chosen = [row for row in range(len(embedded)) if computing[row % self.samples]]
        # From pinned memory the copy to a GPU doesn't wait.
        return torch.tensor(chosen, pin_memory=embedded.is_cuda).to(embedded.device, non_blocking=True)
