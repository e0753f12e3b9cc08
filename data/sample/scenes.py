"""Scenes with simple objects and a person, for the categories that no bundled photograph suits."""

from canvas import SCALE, Canvas
from PIL import Image


def still_life() -> Image.Image:
    """A table with a red apple, a blue mug and a green bottle."""
    c = Canvas(1200, 800, "#efe4d3", "#dccbb2")
    c.fade((0, 520, 1200, 800), "#a8713f", "#7d4f28")
    for y in (560, 615, 680, 755):
        c.line([(0, y), (1200, y)], "#8a5a30", 3)
    for box in ((190, 640, 460, 705), (470, 640, 790, 700), (860, 640, 1050, 700)):
        c.shadow(box, 120, 12)
    c.fade((200, 430, 440, 670), "#e2483d", "#a01d1f", shape="ellipse")
    c.fade((285, 425, 360, 460), "#8f1a1c", "#c93730", shape="ellipse")
    c.line([(322, 445), (335, 385)], "#5d3a1e", 9)
    c.fade_polygon([(335, 405), (372, 372), (425, 378), (388, 412)], "#6dae4f", "#3f7d34")
    c.fade((240, 480, 285, 540), "#f6a49b", "#dd5a4f", shape="ellipse")
    c.arc((680, 470, 810, 620), 270, 90, "#2b5fa8", 26)
    c.fade((500, 420, 740, 670), "#4a86d8", "#25549b", radius=26)
    c.fade((500, 395, 740, 455), "#5d97e4", "#3a74c4", shape="ellipse")
    c.fade((516, 405, 724, 447), "#4b2a17", "#6b3f24", shape="ellipse")
    c.fade((530, 480, 556, 620), "#8db5ec", "#4f82c7", radius=12)
    c.fade_polygon(
        [(925, 190), (985, 190), (985, 300), (1030, 380), (1030, 670), (880, 670), (880, 380), (925, 300)],
        "#3f8f5b",
        "#1f5a36",
    )
    c.fade((915, 165, 995, 200), "#c9a26b", "#a37c46", radius=8)
    c.fade((895, 440, 1015, 580), "#f7efd9", "#e6d8b4", radius=6)
    c.text(955, 510, "OLIO", 40, "#4e6b2f", bold=1)
    c.fade((900, 380, 916, 430), "#9fd3b0", "#5fa67a", radius=7)
    return c.finished()


def living_room() -> Image.Image:
    """A sofa, a floor lamp, a plant and a picture on the wall."""
    c = Canvas(1200, 800, "#e7ddd0", "#d8cab8")
    c.fade((0, 610, 1200, 800), "#b98d62", "#946b45")
    c.rectangle((0, 596, 1200, 612), "#f3ece2")
    c.fade((250, 640, 1000, 780), "#7f9fb0", "#5f8296", shape="ellipse")
    c.rectangle((480, 90, 760, 280), "#5b4030", 4)
    c.fade((498, 108, 742, 262), "#8fc4de", "#dceef2")
    c.fade_polygon([(498, 262), (580, 160), (640, 220), (690, 175), (742, 262)], "#6f8f6c", "#4b6c4d")
    c.shadow((300, 660, 930, 720), 120, 12)
    c.fade((320, 350, 900, 560), "#c7745a", "#a9583f", radius=40)
    c.fade((290, 440, 400, 680), "#bd6b51", "#964c35", radius=36)
    c.fade((820, 440, 930, 680), "#bd6b51", "#964c35", radius=36)
    for x in (390, 610):
        c.fade((x, 500, x + 218, 640), "#d38468", "#b4634a", radius=24)
    c.fade((420, 425, 540, 535), "#f2d98d", "#d8b75a", radius=20)
    for x in (330, 872):
        c.rectangle((x, 676, x + 20, 706), "#4a3121")
    c.shadow((1000, 690, 1130, 725), 110, 8)
    c.rectangle((1058, 260, 1070, 700), "#3c3c40")
    c.fade((1010, 688, 1118, 712), "#4a4a50", "#2f2f34", shape="ellipse")
    c.fade_polygon([(1015, 130), (1113, 130), (1160, 270), (968, 270)], "#fff4cf", "#f3d68c")
    c.shadow((70, 690, 230, 725), 110, 8)
    for tip in ((60, 330), (110, 270), (165, 290), (225, 330), (250, 420), (40, 430)):
        c.fade_polygon(
            [
                (150, 590),
                ((tip[0] + 150) / 2 - 26, (tip[1] + 590) / 2),
                tip,
                ((tip[0] + 150) / 2 + 26, (tip[1] + 590) / 2),
            ],
            "#5fa463",
            "#2f6b3b",
        )
    c.fade_polygon([(85, 575), (215, 575), (195, 705), (105, 705)], "#f1ece4", "#cfc6b8")
    return c.finished()


def beach() -> Image.Image:
    """A beach with a parasol, a ball and a warning sign."""
    c = Canvas(1200, 800, "#5fb4e6", "#cdeaf5")
    c.fade((930, 70, 1050, 190), "#fff6c2", "#ffe169", shape="ellipse")
    for x, y, w in ((120, 110, 220), (520, 70, 180), (700, 170, 150)):
        c.fade((x, y, x + w, y + 46), "#ffffff", "#eaf4f8", radius=23)
        c.fade((x + w * 0.25, y - 28, x + w * 0.7, y + 40), "#ffffff", "#eef6fa", shape="ellipse")
    c.fade((0, 360, 1200, 560), "#1f86b8", "#5cc3cf")
    for y, x in ((400, 80), (430, 560), (465, 260), (490, 820), (420, 900)):
        c.arc((x, y, x + 150, y + 22), 190, 350, "#bfe8ee", 4)
    c.fade_polygon([(0, 540), (300, 520), (700, 555), (1200, 525), (1200, 800), (0, 800)], "#f4dfae", "#dfbf80")
    c.shadow((230, 690, 520, 740), 100, 14)
    c.line([(370, 330), (345, 715)], "#f5f0e6", 12)
    for i in range(6):
        color = ("#e5483f", "#c0352e") if i % 2 == 0 else ("#fffaf0", "#e8ddcb")
        c.fade_polygon(
            [
                (375, 250),
                (150 + i * 74, 400 - 10 * (2 - abs(i - 2.5))),
                (150 + (i + 1) * 74, 400 - 10 * (2 - abs(i - 1.5))),
            ],
            *color,
        )
    c.shadow((640, 690, 790, 725), 120, 8)
    c.fade((650, 580, 780, 710), "#fdfdfd", "#d9dde0", shape="ellipse")
    c.draw.pieslice([650 * SCALE, 580 * SCALE, 780 * SCALE, 710 * SCALE], 200, 260, fill="#e5483f")
    c.draw.pieslice([650 * SCALE, 580 * SCALE, 780 * SCALE, 710 * SCALE], 320, 20, fill="#f2b632")
    c.draw.pieslice([650 * SCALE, 580 * SCALE, 780 * SCALE, 710 * SCALE], 80, 140, fill="#2f7fc4")
    c.ellipse((700, 630, 730, 660), "#ffffff")
    c.shadow((930, 700, 1050, 725), 110, 6)
    c.rectangle((978, 470, 994, 715), "#8a6139")
    c.fade((880, 430, 1092, 560), "#ffe17a", "#f3c23f", radius=10)
    c.text(986, 470, "NO", 46, "#3b2a14", bold=1)
    c.text(986, 524, "SWIMMING", 38, "#3b2a14", bold=1)
    return c.finished()


def street() -> Image.Image:
    """A red car before a house and a tree."""
    c = Canvas(1200, 800, "#8cc6ea", "#dff1f7")
    c.fade((0, 470, 1200, 600), "#86bd63", "#639a47")
    c.fade((0, 590, 1200, 800), "#73777c", "#54585d")
    c.rectangle((0, 580, 1200, 600), "#c9c5bc")
    for x in range(40, 1200, 190):
        c.rectangle((x, 715, x + 110, 727), "#f2f0e6")
    c.fade((120, 270, 520, 560), "#f3e3c2", "#e0c998")
    c.fade_polygon([(90, 280), (320, 110), (550, 280)], "#a4503f", "#7f3a2d")
    c.rectangle((400, 130, 440, 215), "#8c4335")
    for x in (165, 395):
        c.rectangle((x, 330, x + 90, 420), "#ffffff")
        c.fade((x + 8, 338, x + 82, 412), "#7fb2d6", "#c5e1ee")
        c.rectangle((x + 42, 338, x + 48, 412), "#ffffff")
    c.fade((285, 400, 360, 560), "#5f7f9e", "#45617d", radius=4)
    c.ellipse((340, 478, 352, 490), "#f0d264")
    c.fade((905, 330, 955, 570), "#7d5735", "#5c3d23")
    for x, y, r in ((930, 230, 130), (840, 300, 95), (1020, 300, 95), (930, 330, 100)):
        c.fade((x - r, y - r, x + r, y + r), "#6cb255", "#3b7a37", shape="ellipse")
    c.shadow((430, 690, 960, 740), 150, 12)
    c.fade_polygon([(545, 560), (610, 470), (800, 470), (880, 560)], "#d3332c", "#b3231f")
    c.fade_polygon([(572, 556), (620, 487), (695, 487), (695, 556)], "#cfe7f2", "#8fb9cf")
    c.fade_polygon([(710, 556), (710, 487), (792, 487), (846, 556)], "#cfe7f2", "#8fb9cf")
    c.fade((440, 550, 960, 680), "#dd3a32", "#a81f1c", radius=34)
    c.rectangle((440, 625, 960, 640), "#8c1715")
    c.rectangle((715, 575, 760, 584), "#f0d9d4", 4)
    c.fade((920, 580, 956, 612), "#fff6c8", "#f1d474", radius=10)
    c.fade((444, 580, 470, 606), "#ff9c8a", "#d8402c", radius=8)
    for x in (560, 840):
        c.ellipse((x - 62, 618, x + 62, 742), "#23262a")
        c.fade((x - 34, 646, x + 34, 714), "#dfe3e6", "#9aa1a6", shape="ellipse")
        c.ellipse((x - 9, 671, x + 9, 689), "#4c5257")
    return c.finished()


def child() -> Image.Image:
    """A child in a park with a kite."""
    c = Canvas(880, 1100, "#7ec4ee", "#e3f4f4")
    for x, y, w in ((60, 150, 190), (600, 420, 200)):
        c.fade((x, y, x + w, y + 44), "#ffffff", "#eef6f9", radius=22)
        c.fade((x + w * 0.25, y - 30, x + w * 0.72, y + 38), "#ffffff", "#f3f9fb", shape="ellipse")
    c.fade_polygon([(0, 800), (300, 730), (620, 790), (880, 740), (880, 1100), (0, 1100)], "#8cc66a", "#5c9a46")
    c.shadow((260, 1000, 560, 1050), 110, 12)
    c.line([(545, 690), (640, 480), (690, 270)], "#ffffff", 3)
    c.fade_polygon([(690, 90), (775, 190), (690, 330), (605, 190)], "#f25f5c", "#c93a4b")
    c.fade_polygon([(690, 90), (775, 190), (690, 190)], "#ffd166", "#f2b632")
    c.fade_polygon([(605, 190), (690, 190), (690, 330)], "#4d9de0", "#2f76b5")
    c.line([(690, 330), (670, 380), (705, 420), (680, 460)], "#f2b632", 6)
    for x in (355, 420):
        c.fade((x, 850, x + 48, 1010), "#3b5b8c", "#2a4268", radius=18)
        c.fade((x - 8, 995, x + 58, 1035), "#e5483f", "#b9302a", radius=18)
    c.line([(340, 720), (290, 830)], "#f0c29b", 34)
    c.line([(470, 715), (545, 690)], "#f0c29b", 34)
    c.fade((322, 660, 500, 880), "#ffd75e", "#efae2c", radius=50)
    for y in (740, 800):
        c.rectangle((326, y, 496, y + 18), "#fff3d0")
    c.rectangle((388, 630, 434, 680), "#e9b58c", 10)
    c.fade((308, 440, 514, 650), "#f8d2ae", "#ecb98f", shape="ellipse")
    c.draw.pieslice([298 * SCALE, 420 * SCALE, 524 * SCALE, 640 * SCALE], 180, 360, fill="#5a3a22")
    c.polygon(
        [(300, 528), (330, 500), (410, 520), (520, 505), (522, 530), (500, 545), (420, 530), (320, 545)], "#5a3a22"
    )
    for x in (372, 452):
        c.ellipse((x - 12, 560, x + 12, 586), "#2e2019")
        c.ellipse((x - 6, 564, x + 1, 571), "#ffffff")
    c.arc((382, 570, 442, 622), 25, 155, "#b5493f", 6)
    for x in (340, 484):
        c.fade((x - 18, 592, x + 18, 616), "#f6b49b", "#f0a68b", shape="ellipse")
    return c.finished()
