"""Words of a failure: a message that is written for users stands alone, another after its type."""

import pytest

from bench.errors import UserError, describe_failure
from variants.errors import VariantError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("no folder images/: give --data-root"), "no folder images/: give --data-root"),
        (VariantError("backbone 'x' is not known"), "backbone 'x' is not known"),
        (KeyError("stage"), "KeyError: 'stage'"),
        (RuntimeError("shapes differ\n  at line 3"), "RuntimeError: shapes differ"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_words_of_a_failure(error: BaseException, words: str) -> None:
    assert describe_failure(error) == words
