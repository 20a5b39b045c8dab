"""The browser that other tests look at pages with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import Browser

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><title>a page</title><p id="p" onclick="this.textContent = 'clicked'">one
<script>setTimeout(() => { document.title = "later" }, 100); console.error("as you like")</script>
"""


def test_a_page(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    browser.open((tmp_path / "page.html").as_uri())
    assert browser.until("the title changes", "return document.title == 'later' && 7") == 7
    browser.driver.find_element("id", "p").click()
    assert browser.run("return document.getElementById('p').textContent") == "clicked"
    browser.resize(640, 480)
    browser.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert "as you like" in browser.console()[0]


def test_what_does_not_come_is_told(browser: Browser) -> None:
    with pytest.raises(AssertionError, match=r"not in 0\.5 s: the sky falls"):
        browser.until("the sky falls", "return document.title == 'sky'", seconds=0.5)


def test_there_is_no_network(browser: Browser) -> None:
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        browser.open("http://example.com/")
