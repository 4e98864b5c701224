"""What the command lines of the benchmarks have in common. A mistake ends with one line and exit code 2, before anything
is measured."""

import argparse
import json
import re
import shlex
import shutil
import sys
from pathlib import Path


class Parser(argparse.ArgumentParser):
    def __init__(self, description):
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (--help has all options)\n")


def at_least(least):
    def count(text):
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} on")
        return int(text)
    return count


def tree(text):
    """A folder in the form of IN-9's release, as far as searches need it."""
    for variation in ("original", "fg_mask", "only_bg_t"):
        if not (Path(text) / variation / "val").is_dir():
            raise argparse.ArgumentTypeError(f"{text!r} is no IN-9 tree: it has no {variation}/val")
    return text


def file(text):
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return text


def network_file(text):
    """("resnet18", "FILE")"""
    arch, separator, path = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not ARCH=FILE")
    return arch, file(path)


def network_size(text):
    """("resnet18", (45, 64))"""
    found = re.fullmatch(r"([^=]+)=(\d+)x(\d+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not ARCH=FxB, as in resnet18=45x64")
    return found[1], (int(found[2]), int(found[3]))


def settings(text):
    """The JSON object in a file."""
    try:
        found = json.loads(Path(file(text)).read_text())
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{text!r} holds no JSON object")
    return found


def program(text):
    if shutil.which(text) is None:
        raise argparse.ArgumentTypeError(f"there is no program {text!r}")
    return text


def name(text):
    """Of files: without a folder."""
    if not text or Path(text).name != text:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a file")
    return text


def without_paths(words):
    """Words of a command line without the folders of this machine; 1/5 is a shard."""
    return [re.sub(r"(^|=)(?!\d+/\d+$)[^=]*/", r"\1", word.rstrip("/")) for word in words]


def described(program):
    """This command line, to be given again in a shell where the files are at hand."""
    return shlex.join([program, *without_paths(sys.argv[1:])])
