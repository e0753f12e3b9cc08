"""A canvas for simple pictures: gradients, soft shadows, lettering in Pillow's own font.

It is drawn at twice the size and reduced, which smooths the edges; no installed font changes a pixel.
"""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageFont

SCALE = 2

Box = tuple[float, float, float, float]
Color = str


class Canvas:
    """A picture in the making; all measures are in pixels of the finished picture."""

    def __init__(self, width: int, height: int, top: Color, bottom: Color) -> None:
        self.size = (width, height)
        self.image = Image.new("RGB", (width * SCALE, height * SCALE))
        self.fade((0, 0, width, height), top, bottom)

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.image)

    def fade(self, box: Box, top: Color, bottom: Color, shape: str = "rectangle", radius: float = 0) -> None:
        """Fill a rectangle, rounded rectangle or ellipse with a vertical gradient."""
        left, upper, right, lower = (round(v * SCALE) for v in box)
        mask = Image.new("L", (right - left, lower - upper))
        area = (0, 0, right - left - 1, lower - upper - 1)
        if shape == "ellipse":
            ImageDraw.Draw(mask).ellipse(area, fill=255)
        else:
            ImageDraw.Draw(mask).rounded_rectangle(area, radius * SCALE, fill=255)
        self._blend(mask, (left, upper), top, bottom)

    def fade_polygon(self, points: Sequence[tuple[float, float]], top: Color, bottom: Color) -> None:
        """Fill a polygon with a vertical gradient."""
        xs, ys = [x * SCALE for x, _ in points], [y * SCALE for _, y in points]
        left, upper = round(min(xs)), round(min(ys))
        mask = Image.new("L", (round(max(xs)) - left + 1, round(max(ys)) - upper + 1))
        ImageDraw.Draw(mask).polygon([(x - left, y - upper) for x, y in zip(xs, ys, strict=True)], fill=255)
        self._blend(mask, (left, upper), top, bottom)

    def _blend(self, mask: Image.Image, corner: tuple[int, int], top: Color, bottom: Color) -> None:
        ramp = Image.linear_gradient("L").resize(mask.size)
        colors = Image.composite(Image.new("RGB", mask.size, bottom), Image.new("RGB", mask.size, top), ramp)
        self.image.paste(colors, corner, mask)

    def shadow(self, box: Box, strength: int = 90, blur: float = 12) -> None:
        """Darken an ellipse softly, as something standing above it would."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).ellipse([v * SCALE for v in box], fill=strength)
        self.image.paste(Image.new("RGB", self.image.size), mask=mask.filter(ImageFilter.GaussianBlur(blur * SCALE)))

    def rectangle(self, box: Box, fill: Color, radius: float = 0) -> None:
        self.draw.rounded_rectangle([v * SCALE for v in box], radius * SCALE, fill=fill)

    def ellipse(self, box: Box, fill: Color) -> None:
        self.draw.ellipse([v * SCALE for v in box], fill=fill)

    def polygon(self, points: Sequence[tuple[float, float]], fill: Color) -> None:
        self.draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=fill)

    def line(self, points: Sequence[tuple[float, float]], fill: Color, width: float) -> None:
        self.draw.line(
            [(x * SCALE, y * SCALE) for x, y in points], fill=fill, width=round(width * SCALE), joint="curve"
        )
        for x, y in (points[0], points[-1]):
            self.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill)

    def arc(self, box: Box, start: float, end: float, fill: Color, width: float) -> None:
        self.draw.arc([v * SCALE for v in box], start, end, fill=fill, width=round(width * SCALE))

    def text(self, x: float, y: float, words: str, size: float, fill: Color, bold: float = 0) -> None:
        """Write words centred on a point; `bold` thickens the strokes."""
        self.draw.text(
            (x * SCALE, y * SCALE), words, fill, ImageFont.load_default(size * SCALE),
            anchor="mm", stroke_width=bold * SCALE, stroke_fill=fill,
        )  # fmt: skip

    def finished(self) -> Image.Image:
        return self.image.resize(self.size, Image.Resampling.LANCZOS)
