"""The pages in a real headless Chromium: what they show, how they answer, that they load nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys
from typer.testing import CliRunner

import ckptdoctor
from ckptdoctor.api.contents import statistics
from ckptdoctor.cli.app import app
from ckptdoctor.reports.diff_html import diff_page
from ckptdoctor.reports.inspect_html import inspect_page
from tests.conftest import ROOT
from tests.reports.diagnoses import NASTY, large_diagnosis, nasty_diagnosis

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="no chromium and chromedriver; Debian's packages chromium and chromium-driver have them",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(switch)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(30)
    yield driver
    driver.quit()


def show(browser: Any, path: Path, page: str) -> None:
    path.write_text(page, "utf-8", "replace")
    browser.get_log("browser")
    browser.get(path.as_uri())


@pytest.fixture
def vgg(tmp_path: Path, browser: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page of a diff with three mismatches, as the command writes it."""
    monkeypatch.chdir(ROOT / "tests" / "fixtures")
    page = tmp_path / "diff.html"
    arguments = ["diff", "dense.py", "classifier.ckpt", "--input", "images:Nx4x4x1", "--html", str(page)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1, result.output
    show(browser, page, page.read_text("utf-8"))
    return browser


def visible_rows(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('tbody tr')].filter(r => !r.hidden).map(r => r.textContent)"
    return browser.execute_script(script)


def settle(browser: Any) -> None:
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()
    settle(browser)


def test_both_sides_stand_beside_each_other(vgg: Any) -> None:
    script = """
      const text = cell => [...cell.querySelectorAll('.name, .shape, i')].map(e => e.textContent).join(' ');
      return [...document.querySelectorAll('tr.mismatched')].map(row => {
        const [lhs, join, rhs] = [...row.children].map(cell => cell.getBoundingClientRect());
        return [lhs.right <= join.left + 1 && join.right <= rhs.left + 1, [...row.children].map(text).join(' ')];
      })"""
    rows = vgg.execute_script(script)
    assert all(beside for beside, _ in rows)
    assert [text for _, text in rows] == [
        "weights [16,8] float32 ≠ mismatched weights [2,2,4,8] float32",
        "weights [8,8] float32 ≠ mismatched weights [1,1,8,8] float32",
        "weights [8,3] float32 ≠ mismatched weights [1,1,8,3] float32",
    ]
    assert vgg.execute_script("return document.querySelectorAll('svg.bars path.apart').length") == 4
    assert vgg.get_log("browser") == []


def test_the_search_box_finds_by_layer_shape_and_word(vgg: Any) -> None:
    everything = len(visible_rows(vgg))
    press(vgg, "/")
    press(vgg, "net/fc6 weights")
    assert all("weights" in row for row in visible_rows(vgg))
    assert vgg.find_element("id", "found").text == "2 variables"
    assert vgg.execute_script("return document.querySelectorAll('details.layer:not([hidden])').length") == 1
    press(vgg, Keys.ESCAPE)
    assert len(visible_rows(vgg)) == everything


def test_statuses_are_switched_off_and_on(vgg: Any) -> None:
    button = vgg.find_element("css selector", "button[data-status=unexpected]")
    before = len(visible_rows(vgg))
    button.click()
    settle(vgg)
    assert button.get_attribute("aria-pressed") == "false"
    assert len(visible_rows(vgg)) == before - 9
    button.click()
    settle(vgg)
    assert len(visible_rows(vgg)) == before


def test_keys_lead_from_one_disagreement_to_the_next(vgg: Any) -> None:
    places = []
    for key in "nnnnp":
        press(vgg, key)
        places.append(vgg.execute_script("return document.activeElement.id"))
    assert len(set(places[:3])) == 3
    assert places[3] == places[0]
    assert places[4] == places[2]
    script = "return document.activeElement.getBoundingClientRect().top < innerHeight && document.activeElement.checkVisibility()"
    assert vgg.execute_script(script)


def test_a_remedy_is_copied(vgg: Any) -> None:
    vgg.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    vgg.find_element("css selector", ".paste button").click()
    settle(vgg)
    copied = vgg.execute_async_script("navigator.clipboard.readText().then(arguments[0], e => arguments[0](String(e)))")
    assert copied.startswith("ckptdoctor convert classifier.ckpt classifier_fitted.ckpt --graph dense.py")
    assert vgg.find_element("id", "said").get_attribute("textContent") == "Copied"


def test_everything_can_be_reached_and_has_a_name(vgg: Any) -> None:
    """What a screen reader is told: the accessibility tree of Chromium itself."""
    nodes = vgg.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    for role in ("searchbox", "button", "link", "heading", "table", "DisclosureTriangle"):
        assert roles.get(role), role
        assert all(roles[role]), (role, roles[role])
    assert len(roles["columnheader"]) >= 3
    assert "Search the variables" in roles["searchbox"]
    assert not [name for name in roles.get("image", []) if not name]
    reached = set()
    vgg.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    for _ in range(40):
        press(vgg, Keys.TAB)
        reached.add(vgg.execute_script("return document.activeElement.tagName"))
    assert {"A", "BUTTON", "INPUT", "SUMMARY"} <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(vgg: Any, scheme: str) -> None:
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    vgg.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    script = """
      const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
      };
      const behind = element => {
        for (let e = element; e; e = e.parentElement) {
          const colour = getComputedStyle(e).backgroundColor;
          if (!colour.startsWith('rgba(0, 0, 0, 0')) return colour;
        }
        return getComputedStyle(document.documentElement).backgroundColor;
      };
      return [...document.querySelectorAll('body *')].filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
        .filter(e => e.checkVisibility() && !e.closest('.unseen, style, script')).map(e => {
          const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
          return [(a + .05) / (b + .05), e.className, e.textContent.slice(0, 30)];
        }).filter(([contrast]) => contrast < 4.5)"""
    assert vgg.execute_script(script) == []
    dark = vgg.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_nothing_sticks_out_at_any_width(vgg: Any, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 700}
    vgg.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert vgg.execute_script("return document.documentElement.scrollWidth") <= width
    vgg.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_names_from_files_stay_text(browser: Any, tmp_path: Path) -> None:
    diagnosis = nasty_diagnosis()
    for page in (diff_page(diagnosis), inspect_page(diagnosis.alignment.inventory)):
        show(browser, tmp_path / "nasty.html", page)
        assert browser.execute_script("return document.querySelectorAll('img').length") == 0
        assert browser.execute_script("return document.querySelectorAll('script').length") == 1
        assert "onerror" in browser.find_element("tag name", "body").text
        assert browser.get_log("browser") == []
    assert "\x1b" in NASTY


def test_the_page_asks_no_network(vgg: Any) -> None:
    loaded = vgg.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert loaded == []
    refused = vgg.execute_async_script(
        "fetch('data:text/plain,x').then(() => arguments[0]('loaded'), () => arguments[0]('refused'))"
    )
    assert refused == "refused"


def test_five_thousand_variables_are_searched(browser: Any, tmp_path: Path) -> None:
    show(browser, tmp_path / "large.html", diff_page(large_diagnosis()))
    assert browser.find_element("id", "found").text == "5,000 variables"
    press(browser, "/")
    press(browser, "conv_555/")
    assert browser.find_element("id", "found").text == "5 variables"


def test_statistics_are_drawn(browser: Any, tmp_path: Path) -> None:
    checkpoint = str(ROOT / "tests" / "fixtures" / "classifier.ckpt")
    page = inspect_page(ckptdoctor.contents(checkpoint), tuple(statistics(checkpoint)))
    show(browser, tmp_path / "inspect.html", page)
    labels = browser.execute_script(
        "return [...document.querySelectorAll('svg.histogram')].map(e => [e.getAttribute('aria-label'), e.getBBox().width])"
    )
    assert len(labels) == 17
    assert all(" mean " in label for label, _ in labels)
    assert sum(width > 100 for _, width in labels) > 10
    assert browser.get_log("browser") == []


def test_a_notebook_shows_the_same(browser: Any, tmp_path: Path) -> None:
    checkpoint = str(ROOT / "tests" / "fixtures" / "classifier.ckpt")
    for value, shown in (
        (ckptdoctor.diff(checkpoint, checkpoint), "The checkpoint fits"),
        (ckptdoctor.contents(checkpoint), "551 parameters"),
    ):
        html = value._repr_html_()
        show(browser, tmp_path / "notebook.html", f"<!doctype html><title>notebook</title><p id=own>cell</p>{html}")
        outside = browser.execute_script("return getComputedStyle(document.body).fontFamily")
        browser.switch_to.frame(0)
        assert shown in browser.find_element("tag name", "body").text
        assert browser.execute_script("return document.querySelector('#found').value") == "17 variables"
        browser.switch_to.default_content()
        assert "system-ui" not in outside
