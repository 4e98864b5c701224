#!/usr/bin/env python3
"""Does the code in the headers' comments (\\code ... \\endcode) and in the documents (```cpp, ```c, ```python) compile?

    snippets_test.py GROUP [COMPILER [OPTION...]]    in the folder of the sources

GROUP: c, cpp (the public headers), internal (all others), gpu (those that include CUDA's) or python. Every snippet of a
group is a function of one source, which begins with given_GROUP.h: what a reader of the snippets has. Syntax and types are
checked; the compiler names the line of the header or document.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

GIVEN = Path(__file__).resolve().parent
FOLDERS = ("include", "core", "loaders", "models", "kernels", "engine", "search", "report", "api", "python", "cli", "fuzz", "tests")
STANDARD = {"c": "c11", "cpp": "c++20", "internal": "c++20", "gpu": "c++20"}
# Snippets show values without doing anything with them, and C's structs begin with their size: the rest is zero.
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-value", "-Wno-unused-variable", "-Wno-missing-field-initializers")


def group_of(header, text):
    if header.parts[0] != "include":
        return "gpu" if re.search(r"#include <(cuda|nvtx)", text) else "internal"
    return "c" if header.name == "backdrop.h" or header.parent.name == "c" else "cpp"


def pieces(file, begin, end):
    """(file, number of the first line, lines) of all that stands between lines that are `begin`, a pattern, and `end`."""
    lines, first = file.read_text().splitlines(), None
    for number, line in enumerate(lines, 1):
        if first is None and re.fullmatch(begin, line.strip()):
            first = number + 1
        elif first is not None and line.strip() == end:
            yield file, first, lines[first - 1:number - 1]
            first = None
    if first is not None:
        sys.exit(f"{file}:{first - 1}: {lines[first - 2].strip()} has no end")


def find_snippets(group):
    found = []
    if group in ("c", "cpp", "python"):
        for document in (Path("README.md"), *sorted(Path("docs").glob("*.md"))):
            found += pieces(document, f"```{group}", "```")
    for header in sorted(path for folder in FOLDERS for path in Path(folder).rglob("*.h")):
        if group_of(header, header.read_text()) == group:
            found += [(file, first, [line.replace("///", "   ", 1) for line in lines])
                      for file, first, lines in pieces(header, r"/// \\code.*", r"/// \endcode")]
    return found


def source_of(snippets, group):
    """Their includes, what is given, and a function for each."""
    top = [f'#include "{file}"'.replace("include/", "") for file, _, _ in snippets if file.suffix == ".h"]
    functions = []
    for index, (file, first, lines) in enumerate(snippets):
        name = f"int snippet_{index}({'void' if group == 'c' else ''})"
        functions += [f"{name};", f"{name} {{"]
        for number, line in enumerate(lines, first):
            (top if line.startswith("#include") else functions).extend([f'#line {number} "{file}"', line])
        functions += ["return 0;", "}"]
    if group in ("internal", "gpu"):
        functions = ["namespace backdrop {", *functions, "}"]
    return "\n".join([*top, f'#include "{GIVEN}/given_{group}.h"', *functions, ""])


def compile_snippets(snippets, group, command):
    done = subprocess.run([*command, f"-std={STANDARD[group]}", "-fsyntax-only", *WARNINGS, "-Iinclude", "-I.",
                           "-x", "c" if group == "c" else "c++", "-"],
                          input=source_of(snippets, group), text=True, check=False)
    return done.returncode == 0


def check_python(snippets):
    """Syntax, and whether the module has what they take of it."""
    stub = ast.parse(Path("python/backdrop/__init__.pyi").read_text())
    names = {entry.name for entry in stub.body if isinstance(entry, (ast.ClassDef, ast.FunctionDef))}
    problems = []
    for file, first, lines in snippets:
        try:
            tree = ast.parse("\n" * (first - 1) + "\n".join(lines))
        except SyntaxError as error:
            problems.append(f"{file}:{error.lineno}: {error.msg}")
            continue
        problems += [f"{file}:{node.lineno}: the module has no {node.attr}" for node in ast.walk(tree)
                     if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "backdrop" and node.attr not in names]
    sys.stderr.writelines(problem + "\n" for problem in problems)
    return not problems


def main():
    group, *command = sys.argv[1:]
    snippets = find_snippets(group)
    if not snippets:
        sys.exit(f"there are no snippets of {group}")
    good = check_python(snippets) if group == "python" else compile_snippets(snippets, group, command)
    print(f"{len(snippets)} snippets")
    sys.exit(not good)


if __name__ == "__main__":
    main()
