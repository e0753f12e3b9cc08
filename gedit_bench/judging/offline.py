"""A judge without a model: it measures pixels, so that the whole way can be walked anywhere.

It answers in the asked form, so its replies are read, stored and shown like any other's. It doesn't
know what an instruction means; its numbers say nothing about editing quality.
"""

import asyncio
import io
import json
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.records import Aspect, Delivery

if TYPE_CHECKING:
    from gedit_bench.judging.registry import JudgeSettings

NAME = "offline"
_NOTICEABLE = 12.0  # grey levels; below it a difference is noise or recompression
_FULL_CHANGE = 0.02  # share of changed pixels from which a change counts as clearly visible

Pixels = NDArray[np.float32]


class OfflineJudge(Judge):
    """No VLM: measures pixels (change, structure kept, sharpness, clipping), so that the whole way runs anywhere."""

    vlm: ClassVar[bool] = False
    protocol: ClassVar[str | None] = "pixels"
    free: ClassVar[bool] = True
    costly: ClassVar[bool] = False

    def __init__(self, _: "JudgeSettings | None" = None) -> None:
        super().__init__(NAME, "local")

    async def ask(self, question: Question) -> Answer:
        """Return two whole numbers in 0..10 with the measurements behind them, as JSON."""
        content = await asyncio.to_thread(_measure, question)
        return Answer(delivery=Delivery.ANSWERED, content=content, finish_reason="stop", model=f"{NAME}-1")


def _measure(question: Question) -> str:
    images = [_pixels(image.data) for image in question.images]
    if question.aspect is Aspect.SC:
        source, edit = images
        scores, words = _consistency(source, edit)
    else:
        scores, words = _quality(images[0])
    return json.dumps({"score": scores, "reasoning": words})


def _consistency(source: Pixels, edit: Pixels) -> tuple[list[int], str]:
    edit = _resized(edit, source)
    changed = float((np.abs(source - edit).max(axis=2) > _NOTICEABLE).mean())
    kept = _structure_kept(_grey(source), _grey(edit))
    scores = [_points(changed / _FULL_CHANGE), _points(kept)]
    return scores, f"Pixels changed: {changed:.1%}. Structure kept: {kept:.2f} (correlation of edges). No model looked."


def _quality(edit: Pixels) -> tuple[list[int], str]:
    grey = _grey(edit)
    sharpness = float(np.hypot(*np.gradient(grey)).mean())
    clipped = float(((edit <= 0) | (edit >= 255)).all(axis=2).mean())
    scores = [_points(sharpness / 8), _points(1 - 2 * clipped)]
    return scores, f"Mean edge strength: {sharpness:.1f} grey levels. Clipped pixels: {clipped:.1%}. No model looked."


def _structure_kept(source: Pixels, edit: Pixels) -> float:
    """Correlation of edge strengths, 0..1; two flat pictures agree."""
    first, second = (np.hypot(*np.gradient(grey)).ravel() for grey in (source, edit))
    if first.std() < 1e-6 or second.std() < 1e-6:
        return float(first.std() < 1e-6 and second.std() < 1e-6)
    return float(max(0.0, np.corrcoef(first, second)[0, 1]))


def _points(share: float) -> int:
    return round(10 * min(1.0, max(0.0, share)))


def _pixels(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32)


def _grey(pixels: Pixels) -> Pixels:
    grey: Pixels = pixels.mean(axis=2)
    return grey


def _resized(pixels: Pixels, like: Pixels) -> Pixels:
    if pixels.shape == like.shape:
        return pixels
    image = Image.fromarray(pixels.astype(np.uint8))
    return np.asarray(image.resize((like.shape[1], like.shape[0])), dtype=np.float32)
