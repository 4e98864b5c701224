#!/usr/bin/env python3
"""What a checker of accessibility and a suspicious reader would look for in the pages, read off the HTML itself:

page_checks.py FOLDER    every .html file of FOLDER

Language, title, one h1, headings that skip no level, alt texts, names of charts, table headings with scope and
captions, unique ids, links that lead somewhere, no address outside the page, no script, no inline handler, a size
below 20 MB, and the contrast of every pair of colours, computed from the custom properties of the style.
"""
import html.parser
import pathlib
import re
import sys

LARGEST = 20_000_000
VOID = {"meta", "link", "img", "br", "rect", "path", "hr", "input"}
SCHEMES = ("light", "dark", "print")
# Foreground, background, least contrast: WCAG 2.1 AA asks 4.5 for text and 3 for what is no text.
PAIRS = [("ink", "paper", 4.5), ("ink", "card", 4.5), ("soft", "paper", 4.5), ("soft", "card", 4.5), ("link", "paper", 4.5),
         ("link", "card", 4.5), ("bad", "card", 3), ("good", "card", 3), ("bad", "line", 2), ("good", "line", 2)]
HEATEST = 0.48


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.problems, self.stack, self.headings = [], [], []
        self.ids, self.fragments, self.labels = set(), set(), set()
        self.title, self.style, self.text = "", "", []
        self.language, self.images, self.tables, self.charts = None, 0, 0, 0
        self.feed(text)
        self.close()
        if self.stack:
            self.complain(f"not closed: {self.stack}")

    def complain(self, problem):
        self.problems.append(f"line {self.getpos()[0]}: {problem}")

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if len(values) != len(attributes):
            self.complain(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self.stack.append(tag)
        if tag in ("script", "iframe", "object", "embed", "form", "base", "audio", "video"):
            self.complain(f"<{tag}> does not belong here")
        for name, value in attributes:
            if name.startswith("on"):
                self.complain(f"<{tag}> has a handler: {name}")
            if name in ("src", "href", "srcset", "action", "xlink:href", "poster", "background"):
                self.check_address(tag, name, value or "")
            if name == "id":
                if value in self.ids:
                    self.complain(f"id twice: {value}")
                self.ids.add(value)
            if name == "aria-labelledby":
                self.labels.update(value.split())
            if name == "tabindex" and value not in ("0", "-1"):
                self.complain(f"tabindex {value} changes the order of the keyboard")
        getattr(self, "check_" + tag, lambda values: None)(values)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag == "table":
            self.tables += 1
        if tag in VOID:
            return
        if not self.stack or self.stack[-1] != tag:
            self.complain(f"</{tag}> closes {self.stack[-1:]}")
        else:
            self.stack.pop()

    def handle_data(self, data):
        inside = self.stack[-1] if self.stack else ""
        if inside == "title" and "svg" not in self.stack:
            self.title += data
        elif inside == "style":
            self.style += data
        else:
            self.text.append(data)

    def check_address(self, tag, name, value):
        if value.startswith("#"):
            self.fragments.add(value[1:])
        elif not (value == "data:," or re.fullmatch(r"data:image/jpeg;base64,[A-Za-z0-9+/]+=*", value)):
            self.complain(f"<{tag} {name}> leads outside the page: {value[:80]}")

    def check_html(self, values):
        self.language = values.get("lang")

    def check_img(self, values):
        self.images += 1
        if not (values.get("alt") or "").strip():
            self.complain("a picture without alt text")
        if not values.get("width") or not values.get("height"):
            self.complain("a picture without size")

    def check_svg(self, values):
        if values.get("aria-hidden") == "true":
            return
        self.charts += 1
        if values.get("role") != "img" or not values.get("aria-labelledby"):
            self.complain("a chart without role and name")

    def check_th(self, values):
        if values.get("scope") not in ("row", "col"):
            self.complain("a table heading without scope")

    def check_caption(self, values):
        if self.stack[-2:-1] != ["table"]:
            self.complain("a caption outside a table")
        self.tables -= 1

    def finish(self):
        if self.language != "en":
            self.problems.append("no language")
        if not self.title.strip():
            self.problems.append("no title")
        if self.headings.count(1) != 1:
            self.problems.append("not exactly one h1")
        if any(after > before + 1 for before, after in zip(self.headings, self.headings[1:])):
            self.problems.append("headings skip a level")
        if self.tables != 0:
            self.problems.append("a table without caption")
        for missing in (self.fragments | self.labels) - self.ids:
            self.problems.append(f"leads nowhere: #{missing}")
        return self.problems


def luminance(colour):
    parts = [value / 255 for value in colour]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def colours(style):
    """The custom properties of each scheme; print is last and holds whatever the reader prefers."""
    blocks = re.findall(r":root\s*\{([^}]*)\}", style)
    if len(blocks) != len(SCHEMES):
        raise ValueError(f"{len(blocks)} blocks of colours, not {len(SCHEMES)}")
    for scheme, block in zip(SCHEMES, blocks):
        values = {}
        for name, value in re.findall(r"--([a-z]+):\s*([^;]+);", block):
            values[name] = (tuple(int(value[i:i + 2], 16) for i in (1, 3, 5)) if value.startswith("#") else
                            tuple(int(part) for part in value.split()))
        yield scheme, values


def style_problems(style):
    problems = []
    if re.search(r"url\(|@import|@font-face", style):
        problems.append("the style fetches something")
    for wanted in ("prefers-color-scheme: dark", "@media print", ":focus-visible"):
        if wanted not in style:
            problems.append(f"the style lacks {wanted}")
    shades = [float(share) for share in re.findall(r"rgb\(var\(--heat\) / ([0-9.]+)\)", style)]
    if not shades or max(shades) > HEATEST:
        problems.append(f"shades up to {max(shades, default=0)}, checked up to {HEATEST}")
    for scheme, values in colours(style):
        for front, back, least in PAIRS:
            found = contrast(values[front], values[back])
            if found < least:
                problems.append(f"{scheme}: {front} on {back} has contrast {found:.2f}, below {least}")
        shaded = [heat * HEATEST + card * (1 - HEATEST) for heat, card in zip(values["heat"], values["card"])]
        if contrast(values["ink"], shaded) < 4.5:
            problems.append(f"{scheme}: ink on the darkest shade has contrast {contrast(values['ink'], shaded):.2f}")
    stray = re.findall(r"(?:color|background|fill|stroke):\s*(#[0-9a-f]+|[a-z]+\([0-9])", re.sub(r":root\s*\{[^}]*\}", "", style))
    if stray:
        problems.append(f"colours that are no custom property: {stray}")
    return problems


def check(path):
    raw = path.read_bytes()
    text = raw.decode("utf-8")  # strict: other bytes do not belong in a page
    page = Page(text)
    problems = page.finish() + style_problems(page.style)
    if len(raw) >= LARGEST:
        problems.append(f"{len(raw)} bytes, not below {LARGEST}")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        problems.append("control characters")
    if not text.startswith("<!doctype html>"):
        problems.append("no doctype")
    print(f"{path.name}: {len(raw):,} bytes, {page.images} pictures, {page.charts} charts, {len(page.headings)} headings")
    return problems


def main():
    pages = sorted(pathlib.Path(sys.argv[1]).glob("*.html"))
    failed = not pages
    for path in pages:
        for problem in check(path):
            print(f"{path.name}: {problem}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
