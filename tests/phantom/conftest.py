import pytest

from fullbore import phantom


@pytest.fixture(scope="session")
def head():
    return phantom.head()
