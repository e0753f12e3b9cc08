"""What a judge is: something that answers a rubric and some images with a raw reply."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from gedit_bench.records import Aspect, Delivery, Json
from gedit_bench.transport.pressure import Listener

if TYPE_CHECKING:
    from gedit_bench.transport.patience import Again


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image as a judge gets it: the bytes of a JPEG or PNG file."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Question:
    """One request to a judge: a filled-in rubric and the images it speaks of.

    `images` is (source, edit) for SC and (edit,) for PQ; `images_first` says that they stand before
    the text. `parameters` go into the request as they are, such as `max_tokens`. `repeat` tells apart
    independent askings of the same, which may be equal byte for byte. `image_detail` is the `detail` of
    each image, None to send none. `again` is what a judge that tries several times asks before it does; see there.
    """

    aspect: Aspect
    prompt: str
    images: tuple[EncodedImage, ...]
    images_first: bool = False
    parameters: Mapping[str, Json] = field(default_factory=dict)
    repeat: int = 0
    image_detail: str | None = None
    again: "Again | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, unread. `message` says why there is no content; it holds no secrets.

    `server` is the host and port that answered, where a judge has several. Tokens and tries are
    counted as in `Reply`.
    """

    delivery: Delivery
    content: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    message: str = ""
    model: str | None = None
    fingerprint: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    tries: int = 1
    server: str | None = None
    lost_tries: int | None = None


class Judge:
    """A judge. `name` and `endpoint` make the judge id: a gateway is part of the judge.

    Class attributes:
        vlm: False where no vision-language model looks at the images; said wherever it appears.
        protocol: the only protocol that the judge can answer; None if it takes any.
        free: True where nobody is paid for an answer.
        costly: True where an answer takes money or time, so that one which is there is reused.
        usual_protocol: the one that it is asked under unless another is chosen; None for the official one.
        at_once: the most questions that it takes at once, whatever concurrency is asked for; None for any.

    `listener` is told of every HTTP exchange, if the judge has any. `host` is where the judge is, which
    its price depends on; empty where it is in this process.
    """

    vlm: ClassVar[bool] = True
    protocol: ClassVar[str | None] = None
    free: ClassVar[bool] = False
    costly: ClassVar[bool] = True
    usual_protocol: ClassVar[str | None] = None
    at_once: int | None = None
    host: str = ""

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        self.endpoint = endpoint
        self.listener: Listener | None = None

    def refuses(self, parameters: Mapping[str, Json]) -> str:
        """Return why the judge can't do what a protocol's parameters ask for; empty if it can."""
        return ""

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question, after whatever retries the transport needs.

        Raises:
            QuotaError: the account is exhausted.
            UnavailableError: the key is wrong, the model unknown or the endpoint no judge at all.
        """
        raise NotImplementedError(f"{type(self).__name__} can't be asked")

    async def reachable(self) -> str:
        """Make sure, without spending anything, that the judge can be asked; return a sentence about it.

        Raises:
            QuotaError, UnavailableError: as for `ask`.
        """
        return f"{self.name} needs nothing"

    async def close(self) -> None:
        """Let go of connections."""
