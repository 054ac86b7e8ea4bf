"""Lines of records: a record that is written as it was read, or a refusal in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.errors import UserError
from bench.storage.records import GROUPS, parse_line
from tests.conftest import PROJECT
from tests.fuzz.profiles import examples
from tests.fuzz.strategies import LONG, ODD_TEXT, edited_text, edited_tree

LINES = [
    line
    for path in sorted((PROJECT / "results" / "camvid_best").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
ONE_OF_EACH = [next(line for line in LINES if f'"group":"{group}"' in line) for group in GROUPS]
"""A committed record of each kind."""
DEEP = "[" * 20_000
LARGE = f"1{'0' * 298}e11"
"""A number beyond all that a float holds, by its digits and its exponent together."""
FRAGMENTS = (
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "null",
    "true",
    "NaN",
    "-Infinity",
    "1e999",
    "-0",
    "0.1",
    DEEP,
    LONG,
    LARGE,
    '"\\ud800"',
    '"\\u0000"',
    '"schema_version":1,',
    '"schema_version":2,',
    '"status":"ok"',
    '"metrics":{}',
)

plain_values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just(10**400), st.sampled_from(["ok", "cost"])
)
values = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
"""What JSON can hold."""


def check(line: str) -> None:
    """A record comes back from the line that it writes; what is no JSON is told from what is no record.

    No record has text beyond Unicode, which a line can say by an escape: it does not come back.
    """
    line = line.encode(errors="replace").decode()  # as lines come from a file
    try:
        record = parse_line(line, "records.jsonl:1")
    except UserError as error:
        refusal = str(error)
    except ValueError:
        assert not is_json(line)
        return
    else:
        if "\\ud" not in line.lower():
            assert parse_line(record.to_line(), "again") == record
        return
    assert "records.jsonl:1" in refusal


def is_json(line: str) -> bool:
    """Whether a line is JSON, cut off nowhere."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


@examples(500)
@given(edited_text(ONE_OF_EACH, FRAGMENTS + ODD_TEXT))
@example(DEEP)
@example(ONE_OF_EACH[1].replace('"details":{', f'"details":{{"a":{LARGE},'))
def test_an_edited_line_is_a_record_or_is_refused(line: str) -> None:
    check(line)


@examples(300)
@given(edited_tree([json.loads(line) for line in ONE_OF_EACH], values))
def test_a_line_of_wrong_values_is_a_record_or_is_refused(content: Any) -> None:
    check(json.dumps(content, ensure_ascii=False))


@examples(300)
@given(
    values.map(json.dumps) | st.dictionaries(st.just("schema_version"), st.just(1) | values).map(json.dumps) | st.text()
)
def test_any_json_is_a_record_or_is_refused(line: str) -> None:
    check(line)


@examples(100)
@given(st.data())
def test_a_line_that_was_cut_off_is_no_json(data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(ONE_OF_EACH))
    end = data.draw(st.integers(0, len(line) - 1))
    with pytest.raises(json.JSONDecodeError):
        parse_line(line[:end], "records.jsonl:1")
