"""A real browser for tests: Debian's Chromium without a window, driven by selenium.

    def test_page(browser: Browser) -> None:      # the fixture of tests/conftest.py
        browser.open("file:///page.html")
        browser.until("the graph is drawn", "return document.querySelectorAll('.node').length > 3")

Tests that use it are marked `browser`; `make test-tensorboard` installs what they need, and runs
them. Where that is missing they fail, and say what to install. Nothing waits for ever: each wait
has a deadline, which is generous, since the machine may be busy with something else.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DEADLINE = 120.0
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # which does not work for root
    "--disable-dev-shm-usage",  # small in containers
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    # The pages under test need no network, and get none.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


class Browser:
    """A page in Chromium.

    Attributes:
      driver: selenium's driver, for what is not here.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Loads a page, and waits until it is loaded."""
        self.driver.get(url)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def until(self, what: str, script: str, *arguments: Any, seconds: float = DEADLINE) -> Any:
        """Waits until JavaScript returns something that is true, and returns it.

        Raises:
          AssertionError: if that is not so in time; with `what`, which says what is waited for,
            and what the page wrote to its console.
        """
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            try:
                last = self.run(script, *arguments)
                if last:
                    return last
            except Exception as error:  # the page is being built: what it lacks may come
                last = error
            time.sleep(0.1)
        problems = "\n".join(self.console())
        raise AssertionError(f"not in {seconds:g} s: {what}\nlast: {last!r}\n{problems}")

    def console(self, level: str = "SEVERE") -> list[str]:
        """The messages of a level that pages have written to the console since the last call."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] == level]

    def resize(self, width: int, height: int) -> None:
        """Gives the page a size, in pixels."""
        self.driver.set_window_size(width, height)

    def screenshot(self, path: Path) -> None:
        """Writes what is seen to a PNG file."""
        assert self.driver.save_screenshot(str(path)), f"cannot write {path}"


@contextlib.contextmanager
def chromium(profile: Path, width: int = 1280, height: int = 900) -> Iterator[Browser]:
    """Starts a browser, and ends it.

    Args:
      profile: a folder for what it keeps; no two browsers may share one.
      width, height: of the page, in pixels.
    """
    try:
        from selenium import webdriver
    except ImportError:
        pytest.fail("selenium is missing: pip install -e '.[browser]' (make test-tensorboard)")
    program = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    driver_program = shutil.which("chromedriver")
    if program is None or driver_program is None:
        pytest.fail("Chromium is missing: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for option in (*_OPTIONS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(driver_program))
    try:
        driver.set_page_load_timeout(DEADLINE)
        driver.set_script_timeout(DEADLINE)
        yield Browser(driver)
    finally:
        driver.quit()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser of this test's own."""
    with chromium(tmp_path / "chromium") as started:
        yield started
