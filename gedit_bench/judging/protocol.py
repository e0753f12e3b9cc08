"""Protocols: how a judge is asked, as data. Everything about asking is in the request id."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from gedit_bench.errors import UsageError
from gedit_bench.nearest import did_you_mean
from gedit_bench.records import Aspect, Json, SourceKind
from gedit_bench.store.manifest import short_hash

Encoding = Literal["jpeg", "png"]


@dataclass(frozen=True, slots=True)
class Rubric:
    """The two templates that a judge is given; `<instruction>` in `sc` stands for the instruction."""

    sc: str
    pq: str

    def prompt(self, aspect: Aspect, instruction: str) -> str:
        """Return the text for one sample. The instruction goes in as it is and is never expanded again."""
        return self.sc.replace("<instruction>", instruction) if aspect is Aspect.SC else self.pq

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of both templates."""
        return {"sc": hashlib.sha256(self.sc.encode()).hexdigest(), "pq": hashlib.sha256(self.pq.encode()).hexdigest()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A way of asking.

    `source` is the image shown beside the edit, `preparation` names the function in `prepare.py`
    that sizes both, `encoding` what they are sent as. `parameters` go into each request.
    """

    name: str
    words: str
    rubric: Literal["official", "native", "pixels"]
    source: SourceKind = "raw"
    preparation: str = "area-512-bicubic"
    encoding: Encoding = "jpeg"
    images_first: bool = False
    parameters: Mapping[str, Json] = field(default_factory=dict)

    def request(self, rubric: Rubric) -> dict[str, Json]:
        """Return all that the request id is made of."""
        return cast(
            dict[str, Json],
            {
                "protocol": self.name,
                "rubric_sha256": rubric.hashes(),
                "source": self.source,
                "preparation": self.preparation,
                "encoding": self.encoding,
                "images_first": self.images_first,
                "parameters": dict(self.parameters),
            },
        )

    def request_id(self, rubric: Rubric) -> str:
        """Return the protocol's name and a short hash of everything about asking."""
        return f"{self.name}-{short_hash(self.request(rubric))}"


_SCORE_SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "reasoning": {"type": "string"},
        "score": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": 10},
            "minItems": 2,
            "maxItems": 2,
        },
    },
    "required": ["reasoning", "score"],
    "additionalProperties": False,
}

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="official",
            words="GEdit-Bench's own rubric and requests, GPT form: text first, both images near 512² as JPEG, "
            "no temperature or seed sent, 1,400 tokens.",
            rubric="official",
            parameters={"max_tokens": 1400},
        ),
        Protocol(
            name="official-qwen",
            words="GEdit-Bench's own rubric and requests, Qwen form: images first, both near 512² as PNG, greedy, "
            "512 tokens.",
            rubric="official",
            encoding="png",
            images_first=True,
            parameters={"max_tokens": 512, "temperature": 0},
        ),
        Protocol(
            name="native",
            words="gedit-bench's rubric in its own words: temperature 0, a fixed seed and a JSON schema, "
            "images as in the official protocol. Not comparable with official numbers.",
            rubric="native",
            parameters={
                "max_tokens": 1400,
                "temperature": 0,
                "seed": 42,
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "verdict", "strict": True, "schema": _SCORE_SCHEMA},
                },
            },
        ),
        Protocol(
            name="pixels",
            words="No model looks: the offline judge measures the pixels (how much changed, what was preserved, "
            "sharpness, clipping). It shows that the way works and says nothing about editing quality.",
            rubric="pixels",
            source="input",  # the very pixels that were edited, so that an untouched source differs nowhere
            encoding="png",
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """Return the protocol called `name`; UsageError with the nearest match if there is none."""
    if name not in PROTOCOLS:
        raise UsageError(f"There is no protocol {name!r}.", did_you_mean(name, PROTOCOLS))
    return PROTOCOLS[name]
