#!/usr/bin/env python3
"""The pages in a headless Chromium: no console message, no request, nothing wider than the window, every text as it
is drawn readable against what is behind it, in light, dark and print, on a desk and on a telephone.

browser_checks.py FOLDER [--screenshots FOLDER]    exit status 77: there is no Chromium
"""
import argparse
import base64
import pathlib
import sys

from browser import Browser, find_browser

SIZES = {"desk": (1200, 900), "telephone": (360, 740)}

# Contrast as drawn: every text node's colour against its nearest backgrounds, mixed by their opacity.
CONTRAST = """
(() => {
  const parse = text => { const v = text.match(/[\\d.]+/g).map(Number); return v.length < 4 ? [...v, 1] : v; };
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
                       return .2126 * r + .7152 * g + .0722 * b; };
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] > 0) layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reverse().reduce((under, c) => [0, 1, 2].map(i => c[i] * c[3] + under[i] * (1 - c[3])), [255, 255, 255]);
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const front = parse(element.closest('svg') ? style.fill : style.color).slice(0, 3);
    const back = behind(element);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const contrast = (a + .05) / (b + .05);
    if (contrast < 4.5) bad.push(contrast.toFixed(2) + ': ' + walker.currentNode.data.trim().slice(0, 40));
  }
  return bad.slice(0, 10);
})()
"""
# What can be reached with the keyboard shows where it is.
FOCUS = """
(() => [...document.querySelectorAll('a, summary, [tabindex="0"]')].filter(e => {
  if (!e.checkVisibility()) return false;
  e.focus({focusVisible: true, preventScroll: true});
  return document.activeElement !== e || getComputedStyle(e).outlineStyle === 'none';
}).map(e => e.outerHTML.slice(0, 80)))()
"""


def check(browser, path, scheme, size):
    width, height = SIZES[size]
    tab = browser.open(path.resolve().as_uri(), width, height, [("prefers-color-scheme", scheme)])
    problems = [f"console: {message}" for message in tab.messages]
    problems += [f"request: {url[:100]}" for url in tab.requests
                 if not url.startswith("data:") and url != path.resolve().as_uri()]
    wide = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wide > 0:
        problems.append(f"{wide} pixels wider than the window")
    problems += [f"contrast {text}" for text in tab.evaluate(CONTRAST)]
    problems += [f"focus cannot be seen: {html}" for html in tab.evaluate(FOCUS)]
    broken = tab.evaluate("[...document.images].filter(i => !i.complete || i.naturalWidth === 0).length")
    if broken:
        problems.append(f"{broken} broken pictures")
    if size == "desk":
        tab.emulate("print", [("prefers-color-scheme", scheme)])
        problems += [f"print: contrast {text}" for text in tab.evaluate(CONTRAST)]
        paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        if paper != "rgb(255, 255, 255)":
            problems.append(f"printed on {paper}")
        pdf = tab.call("Page.printToPDF", {"printBackground": True})["data"]
        if not base64.b64decode(pdf).startswith(b"%PDF"):
            problems.append("cannot be printed")
    tab.close()
    return problems


def screenshot(browser, path, folder):
    for scheme in ("light", "dark", "print"):
        preference = "dark" if scheme == "dark" else "light"
        tab = browser.open(path.resolve().as_uri(), 1200, 900, [("prefers-color-scheme", preference)])
        if scheme == "print":
            pdf = tab.call("Page.printToPDF", {"printBackground": True})["data"]
            (folder / f"{path.stem}.pdf").write_bytes(base64.b64decode(pdf))
        picture = tab.call("Page.captureScreenshot", {"captureBeyondViewport": scheme != "print", "clip": {
            "x": 0, "y": 0, "width": 1200, "scale": 1,
            "height": min(tab.evaluate("document.documentElement.scrollHeight"), 12000)}})["data"]
        if scheme != "print":
            (folder / f"{path.stem}-{scheme}.png").write_bytes(base64.b64decode(picture))
        tab.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    options = parser.parse_args()
    program = find_browser()
    if program is None:
        print("skipped: no Chromium found")
        return 77
    failed = False
    pages = sorted(options.folder.glob("*.html"))
    with Browser(program) as browser:
        for path in pages:
            for scheme in ("light", "dark"):
                for size in SIZES:
                    for problem in check(browser, path, scheme, size):
                        print(f"{path.name}, {scheme}, {size}: {problem}", file=sys.stderr)
                        failed = True
            print(f"{path.name}: looked at")
            if options.screenshots:
                options.screenshots.mkdir(parents=True, exist_ok=True)
                screenshot(browser, path, options.screenshots)
    return 1 if failed or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
