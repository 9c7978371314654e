"""Who may ask what: roles of private chats, of groups, and of people in them."""

from __future__ import annotations

import pytest

from smetka.keys import Permission
from smetka.telegram.access import Access, Asker

MANAGER, GROUP, PERSON = 1001, -2002, 5005


@pytest.fixture
def access(chats):
    return Access(chats, (MANAGER, GROUP))


@pytest.mark.parametrize("role", ["reader", "cashier", "manager", "owner"])
def test_a_person_has_the_role_of_the_invite(access, chats, role):
    chats.pair(PERSON, PERSON, role)

    assert access.of(PERSON, PERSON, is_private=True).role == role
    in_group = access.of(GROUP, PERSON, is_private=False).role
    assert in_group == ("manager" if role == "owner" else role)
    assert access.of(-3003, PERSON, is_private=False).role is None


def test_the_settings_make_a_private_chats_person_a_manager(access, chats):
    assert access.of(MANAGER, MANAGER, is_private=True).role == "manager"
    assert access.of(GROUP, MANAGER, is_private=False).role == "manager"
    chats.pair(MANAGER, MANAGER, "owner")
    assert access.of(MANAGER, MANAGER, is_private=True).role == "owner"


def test_a_role_that_was_taken_back_is_gone(access, chats):
    chats.pair(PERSON, PERSON, "reader")

    assert chats.unpair(PERSON)
    assert not chats.unpair(PERSON)
    assert access.of(PERSON, PERSON, is_private=True).role is None


def test_a_role_in_a_group_is_one_persons(access, chats):
    chats.pair(-3003, PERSON, "reader")

    assert access.of(-3003, PERSON, is_private=False).role == "reader"
    assert access.of(-3003, 6006, is_private=False).role is None
    assert access.of(PERSON, PERSON, is_private=True).role is None


def test_an_owner_of_a_group_sees_no_names():
    assert Asker(PERSON, PERSON, True, "owner").sees_names
    assert not Asker(GROUP, PERSON, False, "owner").sees_names
    assert not Asker(PERSON, PERSON, True, "manager").sees_names
    assert not Asker(PERSON, PERSON, True, None).may(Permission.READ)
