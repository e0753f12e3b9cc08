"""How many tokens a question takes, before it is asked: at most for a budget, about for a plan."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image

from gedit_bench.judging.base import EncodedImage, Question
from gedit_bench.judging.prepare import judge_size
from gedit_bench.prices import ImageTokens, Price

OVERHEAD = (3, 20)
"""Tokens of a request that are neither text nor image."""
COMPLETION = (60, 300)
"""Tokens of a judge's answer: two scores and a few sentences."""
ASKED_AGAIN = 0.1
"""The largest share of questions that a plan expects to be asked twice."""

_PER_TOKEN = (5.0, 3.0)  # characters of English
_PER_OTHER = (0.5, 1.5)  # tokens of another character, such as a Chinese one
_ANY_IMAGE = (85, 2000)  # what the providers that publish their formula take for an image near 512²
_ANY_ANSWER = 4096
_LIMITS = ("max_completion_tokens", "max_tokens")
_SHAPES = ((512, 512), (627, 418))  # square and 3:2: one tile or two


@dataclass(frozen=True, slots=True)
class Tokens:
    """From how many to how many tokens, prompt and completion."""

    prompt: tuple[float, float] = (0.0, 0.0)
    completion: tuple[float, float] = (0.0, 0.0)

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(_sum(self.prompt, other.prompt), _sum(self.completion, other.completion))

    def words(self) -> str:
        """Return `66,000 to 91,000 in, 2,640 to 14,520 out`."""
        ranges = (f"{low:,.0f} to {high:,.0f}" for low, high in (self.prompt, self.completion))
        return ", ".join(f"{one} {way}" for one, way in zip(ranges, ("in", "out"), strict=True))

    def cost(self, price: Price) -> tuple[float, float]:
        """Return the range in US dollars; nothing is taken to be cached by the provider."""
        low, high = zip(self.prompt, self.completion, strict=True)
        return tuple(price.input * prompt / 1e6 + price.output * out / 1e6 for prompt, out in (low, high))  # type: ignore[return-value]


def estimate(text: str, images: Iterable[tuple[int, int] | None], counted: ImageTokens | None) -> Tokens:
    """Return about how many tokens one question takes, its being asked again included.

    English is taken as 3 to 5 characters a token, anything else as 0.5 to 1.5 tokens a character.

    Args:
        text: the rubric with the instruction in it.
        images: (width, height) of each file before it is prepared; None where it isn't known yet.
        counted: how the judge's provider counts images; None stands for 85 to 2,000 tokens each.
    """
    plain = len(text.encode("ascii", "ignore"))
    other = len(text) - plain
    low, high = (plain / per + other * each for per, each in zip(_PER_TOKEN, _PER_OTHER, strict=True))
    for size in images:
        least, most = image_range(size, counted)
        low, high = low + least, high + most
    low, high = low + OVERHEAD[0], high + OVERHEAD[1]
    again = 1 + ASKED_AGAIN
    return Tokens((low, high * again), (float(COMPLETION[0]), COMPLETION[1] * again))


def image_range(size: tuple[int, int] | None, counted: ImageTokens | None) -> tuple[int, int]:
    """Return from how many to how many tokens an image takes once it is prepared for the judge."""
    if counted is None:
        return _ANY_IMAGE
    shapes = _SHAPES if size is None else (judge_size(*size),)
    counts = [counted.count(*shape) for shape in shapes if 0 not in shape]
    return (min(counts), max(counts)) if counts else (0, 0)


def worst_cost(question: Question, price: Price) -> float:
    """Return US dollars that one call can't exceed: each byte of text a token, the longest answer allowed."""
    prompt = len(question.prompt.encode("utf-8", "surrogatepass")) + OVERHEAD[1]
    prompt += sum(_most(image, price.image_tokens) for image in question.images)
    named = [value for name in _LIMITS if isinstance(value := question.parameters.get(name), int)]
    schema = sum(len(str(value)) for value in question.parameters.values())
    return price.cost(prompt + schema, max(named, default=_ANY_ANSWER))


def _most(image: EncodedImage, counted: ImageTokens | None) -> int:
    if counted is None:
        return _ANY_IMAGE[1]
    with Image.open(io.BytesIO(image.data)) as opened:
        return counted.count(*opened.size)


def _sum(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]
