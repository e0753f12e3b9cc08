"""Opens reports in a real Chromium: from their file, without a network, with an ear for complaints."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
GRAVE = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, or a skipped test where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, address: str, *, allowed: str = "", **context: Any) -> Iterator[Any]:
    """A page, offline; what it asks the network for or complains of, but for `allowed`, fails the test at the end."""
    options = {"viewport": {"width": 1200, "height": 900}, "offline": True} | context
    made = browser.new_context(**options)
    page = made.new_page()
    page.set_default_timeout(5000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(f"{request.failure}: {request.url}"))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
    )
    page.goto(address)
    yield page
    made.close()
    assert [text for text in complaints if not allowed or allowed not in text] == []


def grave(page: Any, within: str | None = None) -> list[str]:
    """What axe-core finds on the page, or within what a selector names, that matters."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, context=within).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]}" for one in found if one["impact"] in GRAVE for node in one["nodes"][:3]
    ]
