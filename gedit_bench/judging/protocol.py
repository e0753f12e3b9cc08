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
Preparation = Literal["area-512-bicubic", "area-512-source-unconverted", "bytes-as-they-are"]
RubricKind = Literal["official", "evalscope", "native", "pixels"]


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

    `source` is the image shown beside the edit, `preparation` says how `pictures.py` makes both ready,
    `encoding` what they are sent as (bytes that go as they are keep their own). `image_detail` is the
    `detail` of each image in a request, None where the protocol sends none. `parameters` go into each request.
    """

    name: str
    words: str
    rubric: RubricKind
    source: SourceKind = "raw"
    preparation: Preparation = "area-512-bicubic"
    encoding: Encoding = "jpeg"
    images_first: bool = False
    image_detail: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)

    def parameters_of(self, repeat: int) -> Mapping[str, Json]:
        """Return what goes into the requests of one repeat: a seed, where one is sent, grows with it."""
        seed = self.parameters.get("seed")
        return {**self.parameters, "seed": seed + repeat} if isinstance(seed, int) else self.parameters

    def request(self, rubric: Rubric) -> dict[str, Json]:
        """Return all that the request id is made of."""
        # What came later is left out where it isn't used: the ids of replies that were paid for must stand.
        detail = {} if self.image_detail is None else {"image_detail": self.image_detail}
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
                **detail,
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
            words="GEdit-Bench's own rubric in its Qwen2.5-VL form: images first, both near 512² and lossless as PNG, "
            "temperature 0, 512 tokens.",
            rubric="official",
            encoding="png",
            images_first=True,
            parameters={"max_tokens": 512, "temperature": 0},
        ),
        Protocol(
            name="lmms-eval",
            words="As lmms-eval 0.7.3 asks: the official rubric after the images, beside the edit the input image "
            "instead of the raw one, resized once more and not converted to RGB, PNG, temperature 0.1, 512 tokens.",
            rubric="official",
            source="input",
            preparation="area-512-source-unconverted",
            encoding="png",
            images_first=True,
            parameters={"max_tokens": 512, "temperature": 0.1},
        ),
        Protocol(
            name="evalscope",
            words="As EvalScope 1.14.1 asks: the official rubric without trailing blanks and with EvalScope's output "
            "contract after it, the input image's and the edit's files as they are and in full size before it, "
            "detail auto, temperature 0, 4,096 tokens.",
            rubric="evalscope",
            source="input",
            preparation="bytes-as-they-are",
            encoding="png",
            images_first=True,
            image_detail="auto",
            parameters={"max_tokens": 4096, "temperature": 0.0},
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
