"""`python -m tests.golden --write`: add to the golden files what is new in results/."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tests.golden.figures import figures_of
from tests.golden.files import FOLDER, Difference, Golden, canonical, differences, read_golden, write_golden
from tests.golden.keys import WAYS, Entry, entries, key_again

RESULTS = FOLDER.parent.parent / "results"


@click.command()
@click.option("--write", is_flag=True, help="Add what is new. Without it, only say what differs.")
@click.option("--replace", multiple=True, metavar="FILE", help="Also take over what differs in this golden file.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
@click.option("--golden", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
def main(write: bool, replace: tuple[str, ...], results: Path, golden: Path) -> None:
    """Compare results/ and the code of the variants with the golden files.

    FILE is the name of a golden file without .txt; `records` means all files of records. Exit code 1: something
    differs, and nothing was written.
    """
    before = read_golden(golden)
    if "code" not in replace:
        _refuse_other_packages(before)
    now = _everything_of(results)
    found = differences({name: lines for name, lines in before.items() if name != "keys"}, now)
    refused = [d for d in found if d.doubled or not (d.is_new or d.kind in replace)]
    for difference in found if refused or not write else []:
        click.echo(difference, err=True)
    if refused:
        _end(f"{len(refused)} entries differ from the golden files; nothing was written. {_way_out(refused)}")
    after = now | {"keys": {}}
    unexplained = _add_keys(after, before.get("keys", {}))
    for entry in unexplained:
        click.echo(f"{entry.file} {entry.name}: today's code does not give this key", err=True)
    if unexplained:
        _end("Nothing was written. Check out the commit that measured these records, and run this command there.")
    if write:
        write_golden({name: {} for name in before} | after, golden)
        click.echo(f"{sum(d.is_new for d in found)} entries are new, {sum(not d.is_new for d in found)} were replaced.")
    elif found:
        _end(f"{len(found)} entries are new. Add them: python -m tests.golden --write")


def _refuse_other_packages(golden: Golden) -> None:
    from tests.golden.code import other_versions

    if golden.get("code") and (others := other_versions(golden)):
        _end("\n".join([*others, "Nothing was written. Install the versions of constraints.txt."]))


def _everything_of(results: Path) -> Golden:
    """All golden files but keys.txt, as they are now."""
    from tests.golden.code import code_of

    figures = figures_of(results)
    return figures | code_of(figures["specs"])


def _way_out(refused: list[Difference]) -> str:
    if any(difference.doubled for difference in refused):
        return "Delete the second copy of each record that is there twice."
    files = " ".join(f"--replace {kind}" for kind in sorted({difference.kind for difference in refused}))
    return f"If all of that is meant: python -m tests.golden --write {files}"


def _add_keys(after: Golden, known: dict[str, str]) -> list[Entry]:
    """Fill keys.txt; what is known of a key stays if it still gives the key. Return the records that no way fits."""
    from tests.golden.code import fingerprint_with, spec_from

    keys, unexplained = dict[str, str](), []
    for entry in entries(after):
        spec = after["specs"][entry.facts["spec"]]
        versions = json.loads(after["versions"][entry.facts["versions"]])
        codes = [json.loads(after["fingerprints"][entry.facts["spec"]]), fingerprint_with(spec_from(spec), versions)]
        ways = [json.loads(known[entry.key])] if entry.key in known else []
        ways += [{"code": code, **way} for code in dict.fromkeys(codes) for way in WAYS]
        way = next((way for way in ways if key_again(entry, after, **way) == entry.key), None)
        if way is None:
            unexplained.append(entry)
        else:
            keys[entry.key] = canonical(way)
    after["keys"] = dict(sorted(keys.items()))
    return unexplained


def _end(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
