"""Records survive kills and full disks, and other schema versions are refused in words."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.storage.records import SCHEMA, parse_line
from bench.storage.store import Store
from tests.conftest import bench_environment
from tests.factories import record


def only_file(root: Path) -> Path:
    (path,) = root.glob("*/*.jsonl")
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    records = [record("cost", name, {"macs": 1e9}) for name in ("a", "b")]
    for each in records:
        store.append("sweep", each)
    assert store.read("sweep") == records
    assert store.sweeps() == ["sweep"]
    assert store.read("other") == []


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_cut_off_by_a_kill_is_dropped_and_overwritten(tmp_path: Path, cut: int) -> None:
    store = Store(tmp_path)
    whole, torn, late = (record("cost", name) for name in ("a", "b", "c"))
    store.append("sweep", whole)
    store.append("sweep", torn)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert store.read("sweep") == [whole]
    store.append("sweep", late)
    assert store.read("sweep") == [whole, late]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append("sweep", record("cost"))
    path = only_file(tmp_path)
    path.write_text("{\n" + path.read_text())
    with pytest.raises(UserError, match=rf"{path.name}:1: broken line"):
        store.read()


def test_another_schema_version_is_refused_in_words() -> None:
    data = json.loads(record("cost").to_line()) | {"schema_version": SCHEMA + 1}
    with pytest.raises(UserError, match=f"schema version {SCHEMA + 1}; this version of bench reads {SCHEMA}"):
        parse_line(json.dumps(data), "file:1")


def test_a_record_with_a_foreign_field_is_refused() -> None:
    data = json.loads(record("cost").to_line()) | {"flops": 1}
    with pytest.raises(UserError, match="file:1: not a record: flops"):
        parse_line(json.dumps(data), "file:1")


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    """A real short write: the process may write no file larger than one and a half records."""
    code = f"""
import resource
from pathlib import Path
from bench.errors import UserError
from bench.storage.store import Store
from tests.factories import record
store = Store(Path({str(tmp_path)!r}))
store.append("sweep", record("cost", "a"))
limit = int(1.5 * len(record("cost", "a").to_line()))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    store.append("sweep", record("cost", "b"))
except UserError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bench_environment()
    )
    assert "cannot write" in done.stdout
    assert "run the same command to go on" in done.stdout
    assert Store(tmp_path).read("sweep") == [record("cost", "a")]
    assert only_file(tmp_path).read_bytes().endswith(b"\n")


def test_two_sweeps_into_one_folder_are_refused(tmp_path: Path) -> None:
    with (
        Store(tmp_path).locked(),
        pytest.raises(UserError, match="another process sweeps into"),
        Store(tmp_path).locked(),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(UserError, match="cannot write"), Store(tmp_path / "results").locked():
        pass


def test_the_plan_is_kept_and_its_absence_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_plan("sweep", ["a", "b"])
    assert store.read_plan("sweep").keys == ["a", "b"]
    with pytest.raises(UserError, match="`bench sweep` with the space of 'other'"):
        store.read_plan("other")
