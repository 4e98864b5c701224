"""Builds the extension with CMake: `pip wheel --no-deps .`; BACKDROP_BUILD_FOLDER names a configured build tree to take
it from, CMAKE_ARGS gives more options for a new one."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent


class CMakeBuild(build_ext):
    def build_extension(self, ext):
        build = os.environ.get("BACKDROP_BUILD_FOLDER")
        if not build:
            build = os.path.join(self.build_temp, "cmake")
            subprocess.run(["cmake", "-S", str(ROOT), "-B", build, "-DCMAKE_BUILD_TYPE=Release",
                            "-DBACKDROP_BUILD_PYTHON=ON", "-DBACKDROP_BUILD_CLI=OFF", "-DBACKDROP_BUILD_TESTS=OFF",
                            f"-DPython_EXECUTABLE={sys.executable}",
                            *shlex.split(os.environ.get("CMAKE_ARGS", ""))], check=True)
        subprocess.run(["cmake", "--build", build, "--target", "backdrop_python", "--parallel", str(os.cpu_count())],
                       check=True)
        built, = Path(build, "python", "backdrop").glob("_backdrop*.so")
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        self.copy_file(str(built), str(target))


version, = re.findall(r"^project\(backdrop VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M)
setup(version=version, ext_modules=[Extension("backdrop._backdrop", [])], cmdclass={"build_ext": CMakeBuild})
