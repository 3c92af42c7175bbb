"""The HTML report in a real browser: charts that are there, nothing that overflows, no request, a clean console."""
import os
import pathlib
import shutil
import subprocess

import pytest
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BURSAR_BINARY", str(ROOT / ".build/release/bursar"))
LOG = os.environ.get("BURSAR_SAMPLE", "Policies/saas-tiers/traffic.jsonl")
SCREENSHOTS = ROOT / ".build/screenshots"

VIEWS = {
    "light": dict(viewport={"width": 1280, "height": 900}, color_scheme="light"),
    "dark": dict(viewport={"width": 1280, "height": 900}, color_scheme="dark"),
    "phone": dict(viewport={"width": 390, "height": 844}, color_scheme="light", device_scale_factor=2),
}


REPLAYS = {
    "change": ["--policies", "Policies/saas-tiers", "--against", "Policies/trial", LOG],
    "alerts": ["--policies", "Policies/alerts", "Policies/alerts/traffic.jsonl"],
}


@pytest.fixture(scope="module", params=REPLAYS)
def report(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    subprocess.run(
        [BINARY, "replay", "--quiet", "--report", str(path), *REPLAYS[request.param]], cwd=ROOT, check=True,
        stdout=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=VIEWS)
def page(request, browser, report):
    context = browser.new_context(**VIEWS[request.param])
    page = context.new_page()
    page.seen = {"requests": [], "console": []}
    page.on("request", lambda made: page.seen["requests"].append(made.url))
    page.on("console", lambda message: page.seen["console"].append(message.text))
    page.on("pageerror", lambda error: page.seen["console"].append(str(error)))
    page.goto(report.as_uri())
    page.view = request.param
    yield page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{report.stem}-{request.param}.png", full_page=True)
    context.close()


def test_no_request_leaves_the_page_and_the_console_is_clean(page, report):
    assert page.seen["requests"] == [report.as_uri()]
    assert page.seen["console"] == []


def test_the_charts_are_drawn(page):
    charts = page.locator("svg")
    assert charts.count() >= 2
    for index in range(charts.count()):
        box = charts.nth(index).bounding_box()
        assert box["width"] > 200 and box["height"] > 60, box
        drawn = charts.nth(index).locator("rect, path, polyline").evaluate_all(
            "shapes => shapes.filter(shape => { const box = shape.getBBox(); return box.width > 0 && box.height > 0 }).length")
        assert drawn >= 1
        assert charts.nth(index).locator("text").count() >= 3, "axes have figures"
    assert page.locator("details table").count() >= 1, "a table stands behind the chart"


def test_nothing_overflows(page):
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1]
    outside = page.locator("main *:not(.scroll *):not(svg *)").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))")
    assert outside == []
    cut = page.locator(".tile").evaluate_all(
        "tiles => tiles.filter(tile => tile.scrollWidth > tile.clientWidth + 1).map(tile => tile.textContent)")
    assert cut == []


def test_text_stands_out_from_its_ground(page):
    """WCAG 2: a contrast of at least 4.5 for text."""
    def luminance(color):
        channels = [int(part) / 255 for part in color[color.index("(") + 1:-1].split(",")[:3]]
        linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for selector in ("p", "h2", "td", "th", ".tile small"):
        color = page.locator(selector).first.evaluate("one => getComputedStyle(one).color")
        light, dark = sorted([luminance(color), luminance(ground)], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (selector, color, ground)


def test_print_shows_every_section(browser, report):
    context = browser.new_context()
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto(report.as_uri())
    sections = page.locator("section")
    assert all(sections.nth(index).is_visible() for index in range(sections.count()))
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    context.close()
