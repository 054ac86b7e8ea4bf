"""The order of the tests on several processes."""

from __future__ import annotations

import pytest

from tests.order import dealt

pytest_plugins = ["pytester"]


def test_slow_files_start_the_run_of_every_process_and_stay_whole(pytester: pytest.Pytester) -> None:
    slow = "import pytest\n@pytest.mark.slow\ndef test_long(): pass\ndef test_short(): pass\n"
    quick = "import pytest\n@pytest.mark.parametrize('i', range(5))\ndef test_quick(i): pass\n"
    pytester.makeini("[pytest]\nmarkers = slow\n")
    pytester.makepyfile(test_a=quick, test_b=quick, test_c=slow, test_d=slow, test_e=slow)
    items, _ = pytester.inline_genitems("-p", "no:unraisableexception")  # which collects garbage at the end
    ordered = dealt(items, 2)
    assert sorted(map(str, ordered)) == sorted(map(str, items))
    files = [item.path.stem[-1] for item in ordered]
    assert "".join(files) == "cceeaaaa" + "ddabbbbb"
