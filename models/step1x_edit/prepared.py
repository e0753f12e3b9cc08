"""What doesn't depend on the latent: text tokens and modulation of every step, computed before the first one.

Padded text slots whose embeddings are alike stay alike through connector and blocks, since they have one
position and one mask row. All but one are folded away, and count as copies of it where they are keys.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from step1x_edit.transformer import Transformer

SLOTS = 32
"""Text is cut to a multiple of so many slots: few shapes, whatever the lengths."""
_ROWS = 64
"""Rows of text that the connector takes at once."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that the blocks take from text and time, for n steps and B rows.

    `text` is (n, B, T, D), `modulation` (n, B, M); `copies` is how many more slots there are that equal
    the last one.
    """

    text: Tensor
    modulation: Tensor
    copies: int

    def at(self, step: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return text (B, T, D) and modulation (B, M) of a step, on a device."""
        return self.text[step].to(device, non_blocking=True), self.modulation[step].to(device, non_blocking=True)

    def to(self, device: torch.device | str) -> "Prepared":
        """Return the same on a device."""
        return Prepared(self.text.to(device), self.modulation.to(device), self.copies)


def prepare(
    network: Transformer, states: Tensor, mask: Tensor, times: Tensor, *, multiple: int | None = SLOTS
) -> Prepared:
    """Compute text tokens and modulation of every step.

    Args:
        network: of which the connector, the embedders and the modulation layers are used.
        states: the language model's hidden states, (B, L_t, W).
        mask: 1 where a text token counts, (B, L_t).
        times: as the network sees them, (n,); see `sampling.seen_times`.
        multiple: leave slots out that are alike, but keep a multiple of so many; None keeps all.
    """
    slots = states.shape[1] if multiple is None else foldable(states, mask, multiple)
    copies = states.shape[1] - slots
    states, mask = states[:, :slots], mask[:, :slots]
    rows = len(states)
    together = max(1, _ROWS // rows)
    text, modulation = [], []
    for some in times.split(together):
        tokens, flat = network.condition(
            states.repeat(len(some), 1, 1), mask.repeat(len(some), 1), some.repeat_interleave(rows)
        )
        text.append(tokens.unflatten(0, (len(some), rows)))
        modulation.append(flat.unflatten(0, (len(some), rows)))
    return Prepared(torch.cat(text), torch.cat(modulation), copies)


def foldable(states: Tensor, mask: Tensor, multiple: int = 1) -> int:
    """Return to how many text slots rows can be cut without changing any number.

    Behind the last token that counts in any row, slots may be folded if they are alike in each row; one
    of them is kept.

    Args:
        states: (B, L_t, W).
        mask: 1 where a text token counts, (B, L_t).
        multiple: of which the number is to be.
    """
    length = states.shape[1]
    counted = mask.bool().any(0).nonzero()
    last = int(counted[-1]) + 1 if len(counted) else 0
    slots = -(-(last + 1) // multiple) * multiple
    if slots >= length:
        return length
    behind = states[:, last:]
    return slots if bool((behind == behind[:, :1]).all()) else length
