"""A question that is late is told as late. Only what shows that the server is away switches the store off."""

from __future__ import annotations

import threading
from unittest.mock import patch

import pytest
from pymongo.errors import NetworkTimeout

from smetka.core.errors import BonusStoreLate, BonusStoreUnavailable
from smetka.storage import Storage


@pytest.fixture
def storage(mongodb_uri):
    storage = Storage(mongodb_uri)
    storage.ping(30)
    yield storage
    storage.close()


def late(storage):
    with patch.object(storage, "_patience", 0), storage.translated():
        raise NetworkTimeout("timed out")


def test_a_late_answer_is_told_as_late_and_others_are_answered(storage):
    with pytest.raises(BonusStoreLate) as told:
        late(storage)

    assert told.value.slug == "bonus-store-late"
    assert "works" in str(told.value)
    assert storage.available
    with storage.translated():
        storage.collection("leases").find_one({"_id": "sender"})


def test_a_server_that_does_not_even_answer_a_ping_is_away(storage):
    with (
        patch.object(storage, "_ask_quickly", side_effect=NetworkTimeout("timed out")),
        pytest.raises(BonusStoreUnavailable) as told,
    ):
        late(storage)

    assert not isinstance(told.value, BonusStoreLate)


def test_readiness_is_asked_for_although_somebody_in_a_hurry_waited_in_vain(storage):
    with patch.object(storage._availability, "_look"):  # nobody finds it again meanwhile
        storage._availability.suspect()
        with pytest.raises(BonusStoreUnavailable), storage.within(0.1):
            pass

        storage.ping(1.5)


def test_questions_about_many_records_wait_for_each_other_and_nobody_else_for_them(storage):
    with storage.at_leisure(), patch.object(storage, "_patience", 0.1):
        told = []

        def ask():
            try:
                with storage.at_leisure(0.1):
                    pass
            except BonusStoreLate as error:
                told.append(error)

        other = threading.Thread(target=ask)
        other.start()
        other.join(20)
        assert [error.reason for error in told] == ["other questions about many records are being answered"]
        with storage.within(30):
            storage.collection("leases").find_one({"_id": "sender"})

    with storage.at_leisure():  # the next one's turn
        storage.collection("leases").find_one({"_id": "sender"})
