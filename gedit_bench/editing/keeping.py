"""Files that a model made elsewhere: kept byte for byte where everybody can read their format."""

from gedit_bench.decoding import decode
from gedit_bench.editing.base import Outcome

_FORMATS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}


def keep(data: bytes) -> Outcome:
    """Return a finished file as an outcome; one of another format than PNG, JPEG and WebP is made a PNG.

    Raises:
        DataError: it is no image, or damaged.
    """
    image = decode(data)
    suffix = _FORMATS.get(image.format or "")
    return Outcome(image.convert("RGB")) if suffix is None else Outcome(image, encoded=data, suffix=suffix)
