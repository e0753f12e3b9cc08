"""Pictures with lettering, for the category `text_change`.

Chinese characters are built of bars: Pillow's own font has none.
"""

from canvas import Canvas
from PIL import Image


def shop() -> Image.Image:
    """A coffee house: lettering on the sign, the window and the door."""
    c = Canvas(1200, 800, "#dfe9ee", "#c3d2d8")
    c.fade((0, 0, 1200, 690), "#b5614a", "#9d4f3c")
    for row, y in enumerate(range(0, 690, 30)):
        c.line([(0, y), (1200, y)], "#a6573f", 2)
        for x in range(-30 + 40 * (row % 2), 1240, 80):
            c.line([(x, y), (x, y + 30)], "#a6573f", 2)
    c.fade((0, 690, 1200, 800), "#a9a49c", "#8d887f")
    c.fade((110, 60, 1090, 190), "#2b4a3f", "#1f382f", radius=14)
    c.text(600, 125, "COFFEE HOUSE", 92, "#f6e7c1", bold=2)
    for i in range(14):
        left = 110 + i * 70
        c.fade_polygon(
            [(left, 205), (left + 70, 205), (left + 70, 290), (left, 290)],
            *(("#f7f1e3", "#ddd5c2") if i % 2 else ("#c8402f", "#a83325")),
        )
        c.fade(
            (left, 270, left + 70, 310), *(("#e2dac8", "#d3cab6") if i % 2 else ("#ae3628", "#9c2f22")), shape="ellipse"
        )
    c.rectangle((140, 330, 740, 640), "#3a2a20", 6)
    c.fade((155, 345, 725, 625), "#f3d9a4", "#caa269")
    for x, top, bottom in ((250, "#fdf6e3", "#e8d9b5"), (440, "#fdf6e3", "#e8d9b5"), (630, "#fdf6e3", "#e8d9b5")):
        c.line([(x, 345), (x, 400)], "#5d4634", 4)
        c.fade((x - 34, 395, x + 34, 440), top, bottom, shape="ellipse")
    c.text(440, 520, "FRESH CAKE DAILY", 52, "#6b3d22", bold=1)
    c.rectangle((155, 585, 725, 625), "#7a5537")
    c.rectangle((820, 330, 1050, 690), "#2f241c", 6)
    c.fade((835, 345, 1035, 690), "#4e7a6a", "#396052")
    c.fade((860, 370, 1010, 560), "#e9d7b0", "#c5a878")
    c.rectangle((875, 425, 995, 495), "#fbf7ee", 8)
    c.text(935, 460, "OPEN", 40, "#b3261e", bold=1)
    c.ellipse((1000, 590, 1022, 612), "#e5c25a")
    c.shadow((130, 700, 240, 750), 120, 8)
    c.fade_polygon([(140, 640), (230, 640), (215, 725), (155, 725)], "#c9784f", "#a55c38")
    for x, y in ((185, 560), (150, 585), (222, 585), (165, 615), (205, 615)):
        c.fade((x - 34, y - 30, x + 34, y + 34), "#5d9b54", "#39703a", shape="ellipse")
    return c.finished()


def station() -> Image.Image:
    """A metro platform whose sign reads 中山 and ZHONGSHAN."""
    c = Canvas(1200, 800, "#d7dde0", "#eef1f2")
    for y in range(0, 600, 60):
        for x in range(-60 * (y // 60 % 2), 1200, 120):
            c.fade((x + 2, y + 2, x + 118, y + 58), "#f4f6f5", "#e3e8e7")
    c.fade((0, 560, 1200, 800), "#9aa0a3", "#70777b")
    c.rectangle((0, 600, 1200, 622), "#e8c53a")
    c.fade((0, 655, 1200, 800), "#3d4246", "#25292c")
    for y in (690, 760):
        c.rectangle((0, y, 1200, y + 10), "#9fa6aa")
    c.shadow((130, 430, 1080, 470), 70, 14)
    c.rectangle((130, 130, 1070, 440), "#ffffff", 18)
    c.rectangle((130, 380, 1070, 440), "#1f5fae", 18)
    c.rectangle((130, 380, 1070, 410), "#1f5fae")
    ink = "#1d2b3a"
    for box in (
        (480, 185, 590, 197),
        (480, 241, 590, 253),
        (480, 185, 492, 253),
        (578, 185, 590, 253),
        (529, 160, 541, 292),
    ):
        c.rectangle(box, ink)
    for box in ((610, 200, 622, 285), (664, 160, 676, 285), (718, 200, 730, 285), (610, 273, 730, 285)):
        c.rectangle(box, ink)
    c.text(600, 337, "ZHONGSHAN", 56, ink, bold=1)
    c.text(600, 410, "Line 2      Exit A  B  C", 34, "#ffffff")
    for x in (190, 1010):
        c.ellipse((x - 34, 220, x + 34, 288), "#1f5fae")
        c.text(x, 254, "2", 48, "#ffffff", bold=1)
    c.shadow((790, 560, 1090, 600), 110, 10)
    c.fade((800, 490, 1080, 520), "#b98a55", "#8f6437", radius=6)
    for x in (830, 1040):
        c.rectangle((x, 520, x + 14, 580), "#4b4f52")
    return c.finished()


def poster() -> Image.Image:
    """A poster that says HELLO SPRING among flowers."""
    c = Canvas(880, 1100, "#e9e2d6", "#d6cdbd")
    c.shadow((90, 1010, 800, 1070), 80, 16)
    c.fade((80, 60, 800, 1040), "#fffaf0", "#ffeeda", radius=6)
    c.fade((120, 100, 760, 560), "#aedcf0", "#e6f5ee", radius=4)
    c.fade((560, 140, 680, 260), "#ffe58a", "#ffc23e", shape="ellipse")
    for y, top, bottom in ((420, "#9ccf86", "#7cb868"), (480, "#78b765", "#58994b")):
        c.fade_polygon(
            [(120, y + 40), (300, y - 20), (480, y + 30), (640, y - 10), (760, y + 30), (760, 560), (120, 560)],
            top,
            bottom,
        )
    petals = ("#e85d75", "#f2a541", "#b36ad1", "#e85d75", "#f2a541", "#b36ad1", "#e85d75")
    for i, color in enumerate(petals):
        x, y = 175 + i * 88, 470 + 34 * (i % 2)
        c.line([(x, y), (x, 560)], "#3f7d3a", 6)
        for dx, dy in ((-18, 0), (18, 0), (0, -18), (0, 18)):
            c.ellipse((x + dx - 15, y + dy - 15, x + dx + 15, y + dy + 15), color)
        c.ellipse((x - 11, y - 11, x + 11, y + 11), "#fff3b0")
    c.text(440, 680, "HELLO", 150, "#2f6b4f", bold=3)
    c.text(440, 820, "SPRING", 150, "#d94f6a", bold=3)
    c.text(440, 945, "Garden Fair  May 12", 48, "#5b5348")
    return c.finished()
