"""The code fingerprint changes with the code that a variant is made of, and with no other."""

import ast
from pathlib import Path

import pytest

from variants import fingerprint
from variants.fingerprint import code_fingerprint
from variants.names import parse_name

DNL = parse_name("lcnet_050+frm4-dnl-w16+fpn16-head8")
NONLOCAL = parse_name("lcnet_050+frm4-nonlocal-w16+fpn16-head8")
PLAIN = parse_name("lcnet_050+fpn16-head8")


@pytest.fixture
def edit(monkeypatch: pytest.MonkeyPatch) -> object:
    """Pretend that a source file reads otherwise."""
    real = Path.read_text

    def change(file_name: str, old: str, new: str) -> None:
        def read_text(path: Path, encoding: str | None = None) -> str:
            text = real(path, encoding=encoding)
            if path.name == file_name:
                assert old in text
                return text.replace(old, new)
            return text

        monkeypatch.setattr(Path, "read_text", read_text)
        fingerprint._code.cache_clear()
        fingerprint._closure.cache_clear()

    yield change
    monkeypatch.undo()
    fingerprint._code.cache_clear()


def test_an_edited_block_changes_its_variants_alone(edit) -> None:  # type: ignore[no-untyped-def]
    before = [code_fingerprint(spec) for spec in (DNL, NONLOCAL, PLAIN)]
    edit("dnl.py", "unary = weights", "unary = 2 * weights")
    after = [code_fingerprint(spec) for spec in (DNL, NONLOCAL, PLAIN)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True]


def test_what_a_block_imports_counts(edit) -> None:  # type: ignore[no-untyped-def]
    before = [code_fingerprint(spec) for spec in (DNL, NONLOCAL, PLAIN)]
    edit("attention.py", "scale=scale", "scale=2 * scale")
    after = [code_fingerprint(spec) for spec in (DNL, NONLOCAL, PLAIN)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]


def test_comments_and_docstrings_do_not_count(edit) -> None:  # type: ignore[no-untyped-def]
    before = code_fingerprint(DNL)
    edit("dnl.py", '"""Subtract the mean', '# a comment\n    """Take away the mean')
    assert code_fingerprint(DNL) == before


def test_code_reads_the_same_in_all_versions_of_python() -> None:
    """Written out: the fields that only newer versions have are empty here, and not in it."""
    argument = ("arguments", ("args", [("arg", ("arg", "x"))]))
    body = [("Return", ("value", ("Constant", "None")))]
    function = ("FunctionDef", ("name", "half"), ("args", argument), ("body", body))
    assert fingerprint._content(ast.parse("def half(x):\n    return None")) == ("Module", ("body", [function]))
