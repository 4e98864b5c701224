"""A headless Chromium, spoken to over a pair of pipes in its DevTools protocol
(https://chromedevtools.github.io/devtools-protocol/): messages are JSON that ends in a zero byte.

    with Browser(find_browser()) as browser:
        tab = browser.open("file:///...", width=1200, height=900)
        tab.call("Page.captureScreenshot")
"""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 120  # seconds for an answer


def find_browser():
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()

        def install_pipes():
            # Both numbers may be in use already: copies first.
            reading, writing = os.dup(to_browser), os.dup(from_browser)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-extensions",
             "--user-data-dir=" + self.profile.name, "about:blank"],
            preexec_fn=install_pipes, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.last, self.events = b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.output)
        os.close(self.input)
        self.profile.cleanup()

    def call(self, method, parameters=None, session=None):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.output, data):]
        while True:
            answer = self.receive(PATIENCE)
            if answer is None:
                raise TimeoutError(f"the browser does not answer {method}")
            if answer.get("id") != self.last:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def receive(self, seconds):
        """The next message; None if none comes in time."""
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.input], [], [], left)[0]:
                return None
            data = os.read(self.input, 1 << 20)
            if not data:
                raise RuntimeError("the browser ended")
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def wait_for(self, method):
        """Passes over messages until the event; keeps all of them."""
        while not any(event.get("method") == method for event in self.events):
            event = self.receive(PATIENCE)
            if event is None:
                raise TimeoutError(f"no {method}")
            self.events.append(event)

    def open(self, address, width, height, features=()):
        return Tab(self, address, width, height, features)


class Tab:
    """A page in a tab of its own; `messages` and `requests` are what happened while it loaded."""

    def __init__(self, browser, address, width, height, features):
        self.browser = browser
        self.target = browser.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = browser.call("Target.attachToTarget", {"targetId": self.target, "flatten": True})["sessionId"]
        browser.events.clear()
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.emulate("", features)
        browser.events.clear()
        self.call("Page.navigate", {"url": address})
        browser.wait_for("Page.loadEventFired")
        self.evaluate("new Promise(done => setTimeout(done, 200))")
        events = browser.events
        self.messages = [event["params"] for event in events
                         if event.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
        self.requests = [event["params"]["request"]["url"] for event in events
                         if event.get("method") == "Network.requestWillBeSent"]

    def call(self, method, parameters=None):
        return self.browser.call(method, parameters, self.session)

    def emulate(self, media, features=()):
        self.call("Emulation.setEmulatedMedia",
                  {"media": media, "features": [{"name": name, "value": value} for name, value in features]})

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["text"])
        return result["result"].get("value")

    def close(self):
        self.browser.call("Target.closeTarget", {"targetId": self.target})
