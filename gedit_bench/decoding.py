"""Image files from elsewhere, read to the last pixel before they are trusted."""

import io

from PIL import Image, UnidentifiedImageError

from gedit_bench.errors import DataError


def decode(data: bytes) -> Image.Image:
    """Return the image that a file's bytes hold, decoded completely; of an animation, the first frame.

    Raises:
        DataError: they are empty, no image, truncated, damaged, or unreasonably large.
    """
    if not data:
        raise DataError("The file is empty.")
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except UnidentifiedImageError as error:
        raise DataError("The file is no image.") from error
    # Pillow's decoders raise all of these for damaged files
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, Image.DecompressionBombError) as error:
        raise DataError(f"The image can't be read: {error}.") from error
    return image
