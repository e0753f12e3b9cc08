"""The two pictures of a question as a protocol shows them: its `preparation`, carried out.

- `area-512-bicubic`: both as the official evaluation sends them, see `prepare.py`.
- `area-512-source-unconverted`: the source is resized in its own mode (a palette by nearest neighbour,
  alpha kept), the edit in RGB; an EXIF orientation is applied to neither.
- `bytes-as-they-are`: the files' own bytes in full size; the source is called PNG whatever it is, the edit
  by its format.
"""

from PIL import Image

from gedit_bench.decoding import decode
from gedit_bench.errors import DataError
from gedit_bench.judging.base import EncodedImage
from gedit_bench.judging.prepare import encode, prepare_file, prepare_source, prepared_once, resize
from gedit_bench.judging.protocol import Protocol


def source_picture(data: bytes, protocol: Protocol) -> EncodedImage:
    """Return a source, given as the bytes of its file, as the judge gets it; what takes time is kept in a cache.

    Raises:
        DataError: the file is no image that can be read whole, or none that the protocol could send.
    """
    match protocol.preparation:
        case "area-512-bicubic":
            return prepare_source(data, protocol.encoding)
        case "area-512-source-unconverted":
            encoding, preparation = protocol.encoding, protocol.preparation
            return prepared_once(data, encoding, preparation, lambda: encode(resize(decode(data)), encoding))
        case "bytes-as-they-are":
            decode(data)
            return EncodedImage(data, "image/png")


def edit_picture(data: bytes, protocol: Protocol) -> EncodedImage:
    """Return an edit, given as the bytes of its file, as the judge gets it.

    Raises:
        DataError: as for `source_picture`.
    """
    match protocol.preparation:
        case "area-512-bicubic":
            return prepare_file(data, protocol.encoding)
        case "area-512-source-unconverted":
            return encode(resize(decode(data).convert("RGB")), protocol.encoding)
        case "bytes-as-they-are":
            kind = decode(data).format or ""
            if kind not in Image.MIME:
                raise DataError(f"An image of the format {kind or 'unknown'} can't be named in a request.")
            return EncodedImage(data, Image.MIME[kind])
