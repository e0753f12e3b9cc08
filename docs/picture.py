"""Takes README's picture of the leaderboard in a real browser.

make demo && .venv/bin/python docs/picture.py results/leaderboard/index.html
"""

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("page", type=Path)
parser.add_argument("--out", type=Path, default=Path(__file__).with_name("leaderboard.png"))
parser.add_argument("--chromium", default="/usr/bin/chromium")
given = parser.parse_args()

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page(viewport={"width": 1280, "height": 1100}, color_scheme="light")
    page.goto(given.page.resolve().as_uri())
    page.wait_for_selector("#board svg")
    page.screenshot(path=given.out)
    browser.close()
