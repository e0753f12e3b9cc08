"""What judges and image APIs cost: a small dated table, the user's rows before it. What nobody named is unknown."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from math import ceil, isfinite, sqrt
from pathlib import Path
from typing import cast

from gedit_bench.data_files import data_folder
from gedit_bench.errors import UsageError
from gedit_bench.nearest import did_you_mean
from gedit_bench.records import Json

_MILLION = 1e6
_LARGEST, _SHORT, _TILE = 2048, 768, 512
_PATCH, _MOST_PATCHES = 32, 1536
_HINT = "data/prices.toml shows the form: [[price]] with models, input, output, and optionally more."


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTokens:
    """How a provider counts an image: `base` and `tile` for each 512² tile, or `patch` for each 32² patch."""

    base: float = 0.0
    tile: float = 0.0
    patch: float = 0.0

    def count(self, width: int, height: int) -> int:
        """Return the tokens of an image of that many pixels.

        Tiles: scaled down to fit 2048², then to a short side of 768, never up; base + tile · number of tiles.
        Patches: scaled down until 1536 patches cover it; patch · number of patches.
        """
        if self.patch:
            scale = min(1.0, sqrt(_MOST_PATCHES * _PATCH**2 / (width * height)))
            patches = ceil(width * scale / _PATCH) * ceil(height * scale / _PATCH)
            return ceil(min(patches, _MOST_PATCHES) * self.patch)
        scale = min(1.0, _LARGEST / max(width, height))
        scale = min(scale, _SHORT / min(width, height))
        tiles = ceil(width * scale / _TILE) * ceil(height * scale / _TILE)
        return ceil(self.base + self.tile * tiles)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditUsage:
    """Tokens that one edit took, as the server counts them."""

    text_in: int = 0
    image_in: int = 0
    text_out: int = 0
    image_out: int = 0


Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrice:
    """What images cost beside text: US dollars per million of their tokens, and `each` for every image that is made.

    `tokens_in` are the tokens of an edit's source and instruction, from and to; `tokens_out` those of its image, by
    the quality or size that was asked for. Both are for estimates alone.
    """

    input: float = 0.0
    output: float = 0.0
    each: float = 0.0
    tokens_in: Span = (0.0, 0.0)
    tokens_out: Mapping[str, Span] = field(default_factory=dict)

    def cost(self, usage: EditUsage, text: "Price") -> float:
        """Return US dollars for one edit; `text` is what words cost."""
        words = text.cost(usage.text_in, usage.text_out)
        return words + (usage.image_in * self.input + usage.image_out * self.output) / _MILLION + self.each

    def span(self, level: str) -> Span:
        """Return about what an edit costs in US dollars, from and to; over all levels where `level` isn't known."""
        spans = [self.tokens_out[level]] if level in self.tokens_out else [*self.tokens_out.values()] or [(0.0, 0.0)]
        low = self.tokens_in[0] * self.input + min(low for low, _ in spans) * self.output
        high = self.tokens_in[1] * self.input + max(high for _, high in spans) * self.output
        return low / _MILLION + self.each, high / _MILLION + self.each


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens, when and where that was seen, and how images are counted if known.

    `cached_input` is for prompt tokens that the provider found in its own cache; None stands for `input`.
    `images` is what a model costs that makes images.
    """

    input: float
    output: float
    cached_input: float | None = None
    date: str = ""
    source: str = ""
    image_tokens: ImageTokens | None = None
    images: ImagePrice | None = None

    @property
    def free(self) -> bool:
        """True where nothing has to be paid, however many tokens there are."""
        return not (self.input or self.output or self.cached_input)

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float:
        """Return US dollars; `cached_tokens` are some of the prompt's."""
        cached = min(max(cached_tokens, 0), prompt_tokens)
        cheaper = self.input if self.cached_input is None else self.cached_input
        usd = (prompt_tokens - cached) * self.input + cached * cheaper + completion_tokens * self.output
        return usd / _MILLION

    def words(self) -> str:
        """Return `$2 in, $0.5 cached, $8 out per million tokens (2026-06-21, source)`."""
        if self.free:
            return "free"
        cached = "" if self.cached_input is None else f" ${self.cached_input:g} cached,"
        origin = ", ".join(part for part in (self.date, self.source) if part)
        told = f" ({origin})" if origin else ""
        return f"${self.input:g} in,{cached} ${self.output:g} out per million tokens{told}"

    def to_json(self) -> dict[str, Json]:
        """Return what is noted beside replies, so that their cost can be computed again."""
        noted = {"input": self.input, "output": self.output, "cached_input": self.cached_input}
        return {**noted, "date": self.date, "source": self.source}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> "Price":
        """Return the price that was noted; UsageError if it is none."""
        return _price(dict(value), "A noted price")


FREE = Price(input=0.0, output=0.0, cached_input=0.0)
"""For judges that run on one's own machine within this process: nobody is paid for them."""


def find_price(model: str, host: str, prices: Path | None = None) -> Price | None:
    """Return what a model costs at an endpoint; None if nobody says so.

    Args:
        model: a judge's or image model's name; an Azure deployment's is `azure:` and what it is called.
        host: the endpoint's host.
        prices: a TOML file in the form of `data/prices.toml`, whose rows come first.

    Raises:
        UsageError: the file can't be read or isn't of that form.
    """
    own = _rows(prices) if prices else []
    model = model.removeprefix("azure:")
    for row in own + _rows(data_folder() / "prices.toml"):
        if _fits(model, row.models) and (not row.endpoints or _fits(host, row.endpoints)):
            return row.price
    return None


def usd(amount: float) -> str:
    """Return an amount in words: whole cents from ten cents on, below that two digits that count."""
    if amount == 0 or amount >= 0.0995:
        return f"${amount:,.2f}"
    return f"${amount:.2g}" if amount >= 0.0001 else f"${amount:.6f}"


@dataclass(frozen=True, slots=True)
class _Row:
    models: tuple[str, ...]
    endpoints: tuple[str, ...]
    price: Price


def _rows(path: Path) -> list[_Row]:
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The prices {str(path)!r} can't be read: {error.strerror}.", _HINT) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.", _HINT) from error
    rows = value.get("price")
    if not isinstance(rows, list) or not rows or set(value) != {"price"}:
        raise UsageError(f"{path} must hold a list of prices and nothing else.", _HINT)
    return [_row(row, f"{path}, price {number}") for number, row in enumerate(rows, start=1)]


def _row(value: object, where: str) -> _Row:
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a table.", _HINT)
    fields = dict(value)
    models, endpoints = (_names(fields.pop(name, []), name, where) for name in ("models", "endpoints"))
    if not models:
        raise UsageError(f"{where} names no models.", _HINT)
    return _Row(models, endpoints, _price(fields, where))


def _price(value: dict[str, Json], where: str) -> Price:
    known = ("input", "output", "cached_input", "date", "source", "image_tokens", "images")
    for name in value:
        if name not in known:
            raise UsageError(f"{where} has an unknown field {name!r}.", did_you_mean(name, known))
    cached = value.get("cached_input")
    return Price(
        input=_amount(value.get("input"), "input", where),
        output=_amount(value.get("output"), "output", where),
        cached_input=None if cached is None else _amount(cached, "cached_input", where),
        date=_text(value.get("date", ""), "date", where),
        source=_text(value.get("source", ""), "source", where),
        image_tokens=_image_tokens(value.get("image_tokens"), where),
        images=_images(value.get("images"), where),
    )


def _image_tokens(value: Json, where: str) -> ImageTokens | None:
    if value is None:
        return None
    counted = isinstance(value, dict) and (set(value) == {"patch"} or set(value) in ({"tile"}, {"base", "tile"}))
    if not counted:
        raise UsageError(f"{where}: image_tokens must be {{base, tile}} or {{patch}}.", _HINT)
    return ImageTokens(**{name: _amount(one, name, where) for name, one in cast(dict[str, Json], value).items()})


def _images(value: Json, where: str) -> ImagePrice | None:
    if value is None:
        return None
    known = ("input", "output", "each", "tokens_in", "tokens_out")
    if not isinstance(value, dict) or not value or not set(value) <= set(known):
        raise UsageError(f"{where}: images may hold {', '.join(known)} and nothing else.", _HINT)
    levels = value.get("tokens_out", {})
    if not isinstance(levels, dict):
        raise UsageError(f"{where}: tokens_out names no levels.", "Such as tokens_out = { high = [4160, 6240] }.")
    amounts = {name: _amount(value[name], name, where) for name in known[:3] if name in value}
    return ImagePrice(
        **amounts,
        tokens_in=_span(value.get("tokens_in", [0, 0]), "tokens_in", where),
        tokens_out={name: _span(span, f"tokens_out.{name}", where) for name, span in levels.items()},
    )


def _span(value: Json, name: str, where: str) -> Span:
    if not isinstance(value, list) or len(value) != 2:
        raise UsageError(
            f"{where}: {name} must be a pair of numbers.", "Give the least and the most, such as [272, 408]."
        )
    low, high = (_amount(one, name, where) for one in value)
    if low > high:
        raise UsageError(f"{where}: {name} begins above its end.", "Give the least first.")
    return low, high


def _amount(value: Json, name: str, where: str) -> float:
    if value is None:
        raise UsageError(f"{where}: {name} is missing.", _HINT)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not isfinite(cast(float, value)) or cast(float, value) < 0:
        raise UsageError(f"{where}: {name} can't be {value!r}.", "Give a number that isn't negative.")
    return float(cast(float, value))


def _text(value: object, name: str, where: str) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        raise UsageError(f"{where}: {name} can't be {value!r}.", "Give a text.")
    return value


def _names(value: object, name: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise UsageError(f"{where}: {name} must be a list of names.", _HINT)
    return tuple(value)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
