"""TeaCache: steps whose input hardly changed reuse the last step's residual (arXiv 2411.19108)."""

from dataclasses import dataclass, field

from torch import Tensor

from step1x_edit.functional import layer_norm

COEFFICIENTS = (498.651651, -283.781631, 55.8554382, -3.82021401, 0.264230861)
"""Of the polynomial that turns a relative change into an estimate, highest power first."""
THRESHOLD = 0.2


def estimate(change: float) -> float:
    """Return P(δ), the estimated change of the output."""
    value = 0.0
    for coefficient in COEFFICIENTS:
        value = value * change + coefficient
    return value


@dataclass(slots=True)
class TeaCache:
    """The state of one generation of `steps` calls. `changes` and `computed` tell what happened."""

    steps: int
    threshold: float = THRESHOLD
    step: int = 0
    accumulated: float = 0.0
    feature: Tensor | None = None
    residual: Tensor | None = None
    changes: list[float] = field(default_factory=list)
    computed: list[bool] = field(default_factory=list)

    def wants(self, x: Tensor) -> bool:
        """Say whether this step must be computed.

        Args:
            x: the embedded image tokens of all rows, (B, L_i, D).
        """
        feature = layer_norm(x)
        change = 0.0
        must = self.step in (0, self.steps - 1) or self.feature is None
        if not must and self.feature is not None:
            change = _relative_change(feature, self.feature)
            self.accumulated += estimate(change)
            must = self.accumulated >= self.threshold
        if must:
            self.accumulated = 0.0
        self.feature = feature
        self.step += 1
        self.changes.append(change)
        self.computed.append(must)
        return must

    def remember(self, x: Tensor, trunk: Tensor) -> None:
        """Keep what the trunk added to its input."""
        self.residual = trunk - x

    def reuse(self, x: Tensor) -> Tensor:
        """Return the trunk's output as the last computed step suggests it."""
        if self.residual is None:
            raise RuntimeError("nothing has been computed yet")
        return x + self.residual


def _relative_change(feature: Tensor, before: Tensor) -> float:
    difference = (feature - before).float().abs().mean() / before.float().abs().mean()
    return float(difference)
