"""``python -m tests.mutation [FILE ...] [--match TEXT]``: would the tests notice?

FILE is a module as ``core/http1.py``; without one, all that modules.toml names are looked at. The
package runs as plain Python, and the tests are imported once; each mutant has a fork, where the
function in question gets other code. It is run through the tests that come by its lines, the quick
ones first, until one fails. What was used by the imports is imported anew if it survives that.

It ends with 1 if a mutant survives that modules.toml does not explain, or if what that explains is
not there any more.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

from .operators import Mutant, mutants_of

PACKAGE = Path(__file__).parents[2] / "wsproto_async"
MODULES = Path(__file__).parent / "modules.toml"
CPU_SECONDS, SECONDS, MEMORY = 20, 300, 4 << 30
"""What a mutant may use; that it uses more is noticed, too."""
SURVIVED, IMPORTED = "survived", "survived, but was used by the imports"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("files", nargs="*", metavar="FILE", help="as core/http1.py")
    parser.add_argument("--match", default="", help="only mutants with this in their name")
    arguments = parser.parse_args()
    os.environ |= {"WSPROTO_ASYNC_PURE": "1", "HYPOTHESIS_PROFILE": "mutants"}
    sys.dont_write_bytecode = False  # or much would be compiled anew in each fork
    modules = tomllib.loads(MODULES.read_text())
    unexplained = 0
    for file in arguments.files or modules:
        source = (PACKAGE / file).read_text()
        mutants = [each for each in mutants_of(source) if arguments.match in each.name]
        groups = modules[file].get("survivors", ())
        explained = {name for group in groups for name in group["mutants"]}
        print(file, flush=True)
        survivors, outcomes = set(), Counter[str]()
        for mutant, how in Session(file, modules[file]["tests"], mutants).outcomes():
            outcomes[how] += 1
            if how == SURVIVED:
                survivors.add(mutant.name)
                if mutant.name not in explained:
                    print(f"  survived: {json.dumps(mutant.name)}", flush=True)
        gone = {name for name in explained - survivors if arguments.match in name}
        for name in sorted(gone):
            print(f"  explained, but noticed or gone: {json.dumps(name)}")
        print(f"  {dict(outcomes)}", flush=True)
        unexplained += len(survivors - explained) + len(gone)
    print(f"{unexplained} unexplained")
    return int(unexplained > 0)


class Session:
    """The mutants of one module; also the plugin that gets at the tests that pytest collected."""

    def __init__(self, file: str, tests: list[str], mutants: list[Mutant]) -> None:
        self.path = str(PACKAGE / file)
        self.mutants = mutants
        self.options = ["-p", "no:cacheprovider", "-p", "no:terminal", "-o", "timeout=0"]
        self.options += [f"tests/{each}" for each in tests]

    def outcomes(self) -> Iterator[tuple[Mutant, str]]:
        """What became of each mutant; of those with the same code only the first counts."""
        reader, self.writer = os.pipe()
        pid = os.fork()
        if not pid:
            with traced(self.path) as self.imported:
                os._exit(pytest.main(self.options, [self]))
        os.close(self.writer)
        imported = []
        with open(reader) as lines:
            for index, how in map(json.loads, lines):
                if how == IMPORTED:
                    imported.append(self.mutants[index])
                else:
                    yield self.mutants[index], how
        if os.waitpid(pid, 0)[1]:
            raise SystemExit(f"these fail without any change: pytest {' '.join(self.options)}")
        for mutant in imported:
            yield mutant, attempt(self.import_mutant, mutant)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In a fork that has imported everything: give functions other code."""
        sys.settrace(None)
        functions = [
            each
            for each in gc.get_objects()
            if isinstance(each, FunctionType) and each.__code__.co_filename == self.path
        ]
        gc.freeze()  # so that forks share the memory
        covered = coverage(session.items, self.path)
        seen: set[object] = {compile(Path(self.path).read_text(), self.path, "exec")}
        for index, mutant in enumerate(self.mutants):
            module = mutant.compiled(self.path)
            if module in seen:
                continue
            seen.add(module)
            codes = {key(code): code for code in codes_in(module)}
            changes = [(each, codes.get(key(each.__code__), each.__code__)) for each in functions]
            tests = [test for test, lines in covered if not lines.isdisjoint(mutant.lines)]
            how = attempt(run_changed, changes, tests)
            if how == SURVIVED and not self.imported.isdisjoint(mutant.lines):
                how = IMPORTED
            os.write(self.writer, f"{json.dumps([index, how])}\n".encode())
        return True

    def import_mutant(self, mutant: Mutant) -> None:
        """In a fork that has not imported the package yet: run all of the tests."""
        mutated = mutant.compiled(self.path)
        get_code = SourceFileLoader.get_code

        def code_of(loader: SourceFileLoader, fullname: str) -> CodeType | None:
            return mutated if loader.path == self.path else get_code(loader, fullname)

        SourceFileLoader.get_code = code_of  # type: ignore[assignment, method-assign]
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # pytest says there what cannot be imported
        os._exit(pytest.main(self.options, [FailAtOnce()]))


class FailAtOnce:
    """A plugin that ends the process where a test fails, before anything is written of it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
            os._exit(1)


def attempt(action: Callable[..., None], *arguments: Any) -> str:
    """What becomes of a fork in which this is done."""
    pid = os.fork()
    if not pid:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        try:
            action(*arguments)
        finally:
            os._exit(1)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return "timed out"
    return "noticed" if os.WEXITSTATUS(status) else SURVIVED


def run_changed(changes: list[tuple[FunctionType, CodeType]], tests: list[pytest.Item]) -> None:
    """Run tests on functions with other code; those of closures cannot be given any."""
    for function, code in changes:
        if function.__code__ != code:
            function.__code__ = code
    run(tests)
    os._exit(0)


def run(tests: list[pytest.Item]) -> None:
    """What pytest does with them; the first that fails ends the process."""
    if tests:
        tests[0].config.pluginmanager.register(FailAtOnce())
    for test, following in zip(tests, [*tests[1:], None], strict=False):  # there may be none
        test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)


def coverage(tests: list[pytest.Item], path: str) -> list[tuple[pytest.Item, set[int]]]:
    """The tests and the lines of a file that they come by, the quickest first."""
    reader, writer = os.pipe()
    if not os.fork():
        for test in tests:
            before = time.process_time()
            with traced(path) as lines:
                run([test])
            seconds = time.process_time() - before
            os.write(writer, f"{json.dumps([seconds, sorted(lines)])}\n".encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as file:
        found = [json.loads(line) for line in file]
    if len(found) < len(tests):
        pytest.exit(f"{tests[len(found)].nodeid} fails", 1)
    order = sorted(range(len(tests)), key=lambda i: found[i][0])
    return [(tests[i], set(found[i][1])) for i in order]


@contextmanager
def traced(path: str) -> Iterator[set[int]]:
    """The lines of a file that are come by."""
    lines: set[int] = set()

    def at_call(frame: FrameType, _event: str, _argument: object) -> Any:
        return at_line if frame.f_code.co_filename == path else None

    def at_line(frame: FrameType, _event: str, _argument: object) -> Any:
        lines.add(frame.f_lineno)
        return at_line

    sys.settrace(at_call)
    try:
        yield lines
    finally:
        sys.settrace(None)


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """All code in a module, however deep."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from codes_in(each)


def key(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


if __name__ == "__main__":
    sys.exit(main())
