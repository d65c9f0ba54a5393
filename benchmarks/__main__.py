"""Speed and memory, in the process and beside other libraries: python -m benchmarks

Scenarios: `inprocess` (see benchmarks/inprocess.py), and those of benchmarks/scenarios.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from wsproto_async._native import NATIVE

from . import inprocess
from .contenders.setup import LOOPS
from .end_to_end import measure
from .process import why_not
from .report import DATA, inprocess_table, publish, scenario_table
from .results import Results, environment
from .scenarios import CONTENDERS, SCENARIOS, TITLES

ALL = ("inprocess", *SCENARIOS)


def scenario_names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in ALL]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(ALL)}")
    return names


def contender_specs(text: str) -> list[str]:
    specs = text.split(",")
    for spec in specs:
        name, _, loop = spec.partition("@")
        if name not in TITLES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(TITLES)}")
        if loop and loop not in LOOPS:
            raise argparse.ArgumentTypeError(f"{loop!r} is none of {', '.join(LOOPS)}")
    return specs


def positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("it must be more than 0")
    return value


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=(__doc__ or "").partition("\n")[0],
        epilog="scenarios: inprocess, "
        + ", ".join(f"{name} ({each.title})" for name, each in SCENARIOS.items()),
    )
    parser.add_argument(
        "--scenarios",
        type=scenario_names,
        default=list(ALL),
        metavar="NAME,NAME",
        help="default: all",
    )
    parser.add_argument(
        "--contenders",
        type=contender_specs,
        default=list(CONTENDERS),
        metavar="NAME[@LOOP],...",
        help=f"of {', '.join(TITLES)}, on {', '.join(LOOPS)}; default: {','.join(CONTENDERS)}",
    )
    parser.add_argument("--rounds", type=int, default=9, help="of each contender (default: 9)")
    parser.add_argument("--seconds", type=positive, default=0.5, help="of a round (default: 0.5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    parser.add_argument(
        "--quick", action="store_true", help="2 rounds of 0.1 s: does it work, more or less"
    )
    parser.add_argument(
        "--publish", action="store_true", help="write docs/performance.* anew, from this run"
    )
    args = parser.parse_args(words)
    if args.quick:
        args.rounds, args.seconds = 2, 0.1
    if args.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if args.publish and args.scenarios != list(ALL):
        parser.error("--publish is for all scenarios: a page is from one run")
    return args


def main() -> None:
    args = arguments()
    results = Results(environment(args.rounds, args.seconds))
    texts = []

    def show(text: str) -> None:
        texts.append(text)
        print(text, end="\n\n", flush=True)

    if "inprocess" in args.scenarios:
        seconds = args.seconds / 2
        if NATIVE:
            results.inprocess["compiled"] = inprocess.measure(seconds=seconds)
        results.inprocess["plain Python"] = inprocess.measure_pure(seconds=seconds)
        show(f"Nanoseconds a message, in the process.\n\n{inprocess_table(results.inprocess)}")
    for name in args.scenarios:
        if name != "inprocess" and (reason := why_not()):
            show(reason)
            break
        if name != "inprocess":
            figures = measure(
                SCENARIOS[name], args.contenders, rounds=args.rounds, seconds=args.seconds
            )
            results.scenarios[name] = figures
            show(scenario_table(name, figures))
    if args.markdown:
        args.markdown.write_text("\n\n".join(texts) + "\n")
    if args.json:
        results.save(args.json)
    if args.publish:
        results.save(DATA)
        publish()


if __name__ == "__main__":
    main()
