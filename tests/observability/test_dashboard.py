"""The dashboard in a real browser: a run, a breaker that opens, a reload, a phone, and axe."""

import os
import shutil

import pytest
from conftest import GRAPHBIT, ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="apt-get install chromium chromium-driver",
)
IMAGES = ROOT / "docs" / "images"


@pytest.fixture
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def page(start, simulator, browser):
    """The dashboard of `graphbit dashboard`, asking a slow simulator."""
    simulator.configure(latency_ms=700)
    command = [GRAPHBIT, "dashboard", "--listen", "127.0.0.1:0", "--base-url", simulator.url + "/v1"]
    address = start([*command, "--model", "sim", "--max-retries", "0"], r"dashboard on (\S+)")[1][1]
    browser.get(address)
    return browser


def all_of(page, selector):
    return page.find_elements("css selector", selector)


def text_of(page, selector):
    return page.find_element("css selector", selector).text


def states(page):
    script = "return [...document.querySelectorAll('svg.graph g')].map(g => g.getAttribute('class'))"
    return page.execute_script(script)


def keep_picture(page, name):
    """Screenshots of the documents are made when GRAPHBIT_SCREENSHOTS is set."""
    if os.environ.get("GRAPHBIT_SCREENSHOTS"):
        page.save_screenshot(str(IMAGES / name))


def check_accessible(page):
    from axe_core_python.selenium import Axe

    found = Axe().run(page)["violations"]
    assert found == [], [(v["id"], [n["html"] for n in v["nodes"]]) for v in found]


def test_a_run_is_followed_from_its_start_to_its_end(page, eventually):
    eventually(lambda: text_of(page, "#connection") == "live", "the stream of events")
    page.find_element("id", "start").click()
    eventually(lambda: "running" in states(page), "a node at work")
    assert "pending" in states(page)
    colour = "return getComputedStyle(document.querySelector('svg.graph g.%s .box')).stroke"
    working = page.execute_script(colour % "running")
    keep_picture(page, "dashboard.png")
    eventually(lambda: states(page) == ["completed"] * 5, "the end of the run")
    assert page.execute_script(colour % "completed") != working
    assert "completed" in text_of(page, "#runs")
    rows = all_of(page, "#timeline tr")
    assert len(rows) == 5 and all("completed" in row.text for row in rows)
    assert "5" in text_of(page, "#providers")
    assert page.find_element("id", "svg-file").get_attribute("href").endswith("/timeline.svg")
    check_accessible(page)


def test_a_breaker_that_opens_is_shown(page, simulator, eventually):
    simulator.configure(down=True)
    for _ in range(30):
        page.execute_script(
            "fetch('api/runs', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'})"
        )
    eventually(lambda: all_of(page, "#providers .open"), "an open breaker")
    assert "open" in text_of(page, "#providers")
    eventually(lambda: all_of(page, "#runs .failed"), "a failed run")
    keep_picture(page, "dashboard_breaker.png")
    check_accessible(page)


def test_a_reload_keeps_what_was_chosen(page, simulator, eventually):
    simulator.configure(latency_ms=0)
    for _ in range(2):
        page.find_element("id", "start").click()
    eventually(lambda: len(all_of(page, "#runs .completed")) == 2, "two finished runs")
    last = all_of(page, "#runs button")[-1]
    last.click()
    chosen = last.find_element("css selector", "small").text.split()[0]
    assert chosen in text_of(page, "#run-facts")
    page.refresh()
    eventually(lambda: all_of(page, "#runs button"), "the runs after the reload")
    assert len(all_of(page, "#runs button")) == 2
    assert chosen in text_of(page, "#run-facts")


def test_keys_alone_are_enough(page, simulator, eventually):
    from selenium.webdriver.common.keys import Keys

    simulator.configure(latency_ms=0)
    eventually(lambda: text_of(page, "#connection") == "live", "the stream of events")
    body = page.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    assert page.switch_to.active_element.get_attribute("id") == "start"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    eventually(lambda: all_of(page, "#runs button"), "a run")
    page.switch_to.active_element.send_keys(Keys.TAB, Keys.TAB)
    focused = page.switch_to.active_element
    assert focused.tag_name == "button" and focused.get_attribute("aria-pressed") == "true"


def test_it_is_readable_on_a_phone(page, eventually):
    page.set_window_size(390, 844)
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
    )
    page.find_element("id", "start").click()
    eventually(lambda: states(page) == ["completed"] * 5, "the end of the run")
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    keep_picture(page, "dashboard_phone.png")
    check_accessible(page)


def test_it_asks_no_other_host(page, eventually):
    eventually(lambda: text_of(page, "#connection") == "live", "the stream of events")
    script = "return performance.getEntriesByType('resource').map(entry => new URL(entry.name).host)"
    assert set(page.execute_script(script)) <= {page.execute_script("return location.host")}
